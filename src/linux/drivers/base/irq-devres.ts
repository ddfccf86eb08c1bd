import type { Ptr } from '../../../cpu/layout.js';
import { Interrupts } from '../../irq/manage.js';
import type { LinuxKernel } from '../../kernel.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Devres } from './devres.js';

/** Interrupt lines that are freed when a device's driver goes (kernel/irq/devres.c). */
export class ManagedInterrupts implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    devm_request_threaded_irq: (
      device: Ptr,
      irq: number,
      handler: Ptr,
      thread: Ptr,
      flags: number,
      name: Ptr,
      cookie: Ptr,
    ) => this.request(device, irq, handler, thread, flags, name, cookie),
    devm_request_any_context_irq: (
      device: Ptr,
      irq: number,
      handler: Ptr,
      flags: number,
      name: Ptr,
      cookie: Ptr,
    ) => this.request(device, irq, handler, 0, flags, name, cookie),
    devm_free_irq: (device: Ptr, irq: number, cookie: Ptr) => {
      this.k.get(Devres).takeHost(device, this.key(irq, cookie));
      this.k.get(Interrupts).free(irq, cookie);
    },
  };

  /** Names an acquired line among a device's resources: below every address. */
  private key(irq: number, cookie: Ptr): number {
    return -(irq + 1) * 2 ** 33 - cookie;
  }

  private request(
    device: Ptr,
    irq: number,
    handler: Ptr,
    thread: Ptr,
    flags: number,
    name: Ptr,
    cookie: Ptr,
  ): number {
    const { k } = this;
    const shown = name === 0 ? k.constantString(deviceName(k, device)) : name;
    const result = k.get(Interrupts).request(irq, handler, thread, flags, shown, cookie);
    if (result !== 0) return result;
    k.get(Devres).addHost(device, this.key(irq, cookie), () => void k.get(Interrupts).free(irq, cookie));
    return 0;
  }
}
