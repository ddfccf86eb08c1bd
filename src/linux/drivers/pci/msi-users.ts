import type { Ptr } from '../../../cpu/layout.js';
import type { VarArgs } from '../../../kernel/abi/convention.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { ENOMEM } from '../../errno.js';
import { Interrupts, IRQF_ONESHOT, IRQF_SHARED } from '../../irq/manage.js';
import type { LinuxKernel } from '../../kernel.js';
import { Vsprintf } from '../../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../../subsystem.js';
import { PciMsi } from './msi.js';

/** Handlers for a device's interrupts by their places, and walks through the descriptors (drivers/pci/irq.c, kernel/irq/msi.c). */
export class PciMsiUsers implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI_MSI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    msi_first_desc: (device: Ptr, filter: number) => this.descAt(device, filter, 0),
    msi_domain_first_desc: (device: Ptr, _domain: number, filter: number) => this.descAt(device, filter, 0),
    // Kernels that know several domains of a device say which before the filter.
    msi_next_desc: (device: Ptr, ...last: number[]) =>
      this.descAt(device, last[last.length - 1], (this.walks.get(device) ?? 0) + 1),
    msi_lock_descs: (device: Ptr) => void this.walks.set(device, 0),
    msi_unlock_descs: (device: Ptr) => void this.walks.delete(device),
    msi_desc_to_pci_dev: (desc: Ptr) =>
      this.k.struct('pci_dev').of(this.k.struct('msi_desc').get(desc, 'dev'), 'dev'),
    pci_request_irq: (
      pdev: Ptr,
      index: number,
      handler: Ptr,
      thread: Ptr,
      cookie: Ptr,
      format: Ptr,
      args: VarArgs,
    ) => this.requestIrq(pdev, index, { handler, thread, cookie }, this.k.get(Vsprintf).text(format, args)),
    pci_free_irq: (pdev: Ptr, index: number, cookie: Ptr) => this.freeIrq(pdev, index, cookie),
  };

  /** How far a walk through the descriptors of a device has come. */
  private readonly walks = new Map<Ptr, number>();

  /** All descriptors have an interrupt: 0 for who asks for those that have none. */
  private descAt(device: Ptr, filter: number, index: number): Ptr {
    this.walks.set(device, index);
    if (filter === this.k.enumValue('MSI_DESC_NOTASSOCIATED')) return 0;
    return this.k.get(PciMsi).descsOf(this.k.struct('pci_dev').of(device, 'dev'))[index] ?? 0;
  }

  private *requestIrq(
    pdev: Ptr,
    index: number,
    { handler, thread, cookie }: { readonly handler: Ptr; readonly thread: Ptr; readonly cookie: Ptr },
    name: string,
  ): Sleepable<number> {
    const { k } = this;
    const text = k.slab.allocateBytes(name.length + 1, true);
    if (text === 0) return -ENOMEM;
    k.space.storeCstring(text, name);
    const flags = IRQF_SHARED | (handler === 0 ? IRQF_ONESHOT : 0);
    const error = yield* k
      .get(Interrupts)
      .request(this.k.get(PciMsi).irqOf(pdev, index), { handler, thread, flags, name: text, device: cookie });
    if (error !== 0) k.slab.free(text);
    return error;
  }

  private *freeIrq(pdev: Ptr, index: number, cookie: Ptr): Sleepable<void> {
    const name = yield* this.k.get(Interrupts).free(this.k.get(PciMsi).irqOf(pdev, index), cookie);
    if (name !== 0) this.k.slab.free(name);
  }
}
