import type { Ptr } from '../../../cpu/layout.js';
import { constant } from '../../../kernel/abi/fidelity.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, ENOMEM, ENOSPC, ERANGE } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { IoAccess } from '../../lib/misc/io.js';
import { Ioremap } from '../../mm/ioremap.js';
import type { Subsystem } from '../../subsystem.js';
import { Once, warn } from '../../warn.js';
import { Devres } from '../base/devres.js';
import { PciAccess } from './access.js';
import { PciEnabling } from './enable.js';
import { affinityVectors, spreadAffinity } from './msi-affinity.js';
import { type MsiMessage, MsiVectors } from './msi-vectors.js';
import { deviceOfPci, pciLog, regionOf } from './pci-dev.js';
import {
  MSI_64BIT,
  MSI_ENABLE,
  MSI_FLAGS,
  MSI_MASKBIT,
  MSIX_ENABLE,
  MSIX_ENTRY_SIZE,
  MSIX_MASKALL,
  MSIX_TABLE,
  PCI_D0,
} from './pci-regs.js';

/** Flags of pci_alloc_irq_vectors() (include/linux/pci.h). */
const IRQ_LEGACY = 1;
const IRQ_MSI = 2;
const IRQ_MSIX = 4;
const IRQ_AFFINITY = 8;
const IRQ_VIRTUAL = 0x10;

/** An interrupt of a device: its struct msi_desc, its place in the device's table, its number. */
interface Vector {
  readonly desc: Ptr;
  readonly index: number;
  readonly irq: number;
  readonly message: MsiMessage;
}

interface Enabled {
  readonly kind: 'msi' | 'msix';
  readonly vectors: readonly Vector[];
}

/** What somebody wants of a device's interrupts. */
interface Wish {
  readonly least: number;
  readonly most: number;
  /** struct irq_affinity; 0 for none. */
  readonly affinity: Ptr;
}

/** Message-signalled interrupts (drivers/pci/msi, Documentation/PCI/msi-howto.rst). */
export class PciMsi implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI_MSI';

  private readonly enabled = new Map<Ptr, Enabled>();
  private readonly type: StructType;
  private readonly desc: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('pci_dev');
    this.desc = k.struct('msi_desc');
  }

  readonly exports = {
    pci_enable_msi: (pdev: Ptr) => this.enableOne(pdev),
    pci_disable_msi: (pdev: Ptr) => this.disable(pdev, 'msi'),
    pci_enable_msix_range: (pdev: Ptr, entries: Ptr, least: number, most: number) =>
      this.enableMsix(pdev, entries, { least, most, affinity: 0 }, false),
    pci_disable_msix: (pdev: Ptr) => this.disable(pdev, 'msix'),
    pci_alloc_irq_vectors_affinity: (pdev: Ptr, least: number, most: number, flags: number, affinity: Ptr) =>
      this.allocate(pdev, { least, most, affinity }, flags),
    pci_free_irq_vectors: (pdev: Ptr) => this.freeVectors(pdev),
    pci_irq_vector: (pdev: Ptr, index: number) => this.irqOf(pdev, index),
    pci_irq_get_affinity: (pdev: Ptr, index: number) => this.affinityOf(pdev, index),
    pci_msi_vec_count: (pdev: Ptr) => this.msiCount(pdev),
    pci_msix_vec_count: (pdev: Ptr) => this.msixCount(pdev),
    pci_msi_enabled: constant(1),
    pci_restore_msi_state: (pdev: Ptr) => this.restore(pdev),
    msi_get_virq: (device: Ptr, index: number) =>
      this.enabled.get(this.type.of(device, 'dev'))?.vectors.find((one) => one.index === index)?.irq ?? 0,
  };

  *holds(): Generator<Holding> {
    for (const [pdev, { kind, vectors }] of this.enabled)
      yield {
        kind: kind === 'msi' ? 'message-signalled interrupt' : 'set of MSI-X vectors',
        at: vectors[0].desc,
        name: () =>
          `IRQ ${vectors.map(({ irq }) => irq).join(', ')} of ${this.type.string(pdev, 'dev.kobj.name')}`,
      };
  }

  /** The struct msi_desc of each interrupt that a device has, in order. */
  descsOf(pdev: Ptr): readonly Ptr[] {
    return this.enabled.get(pdev)?.vectors.map(({ desc }) => desc) ?? [];
  }

  /** What the device's vectors are, for who plays the device: undefined where they are off. */
  messagesOf(pdev: Ptr): readonly MsiMessage[] | undefined {
    return this.enabled.get(pdev)?.vectors.map(({ message }) => message);
  }

  /** pci_restore_msi_state(): a device that was reset has forgotten what to write. */
  *restore(pdev: Ptr): Sleepable<void> {
    const on = this.enabled.get(pdev);
    if (!on) return;
    yield* this.k.get(PciEnabling).setIntx(pdev, false);
    yield* this.setControl(pdev, on.kind, true);
    for (const vector of on.vectors) yield* this.program(pdev, on.kind, vector);
  }

  /** pci_free_irq_vectors() */
  *freeVectors(pdev: Ptr): Sleepable<void> {
    yield* this.disable(pdev, 'msix');
    yield* this.disable(pdev, 'msi');
  }

  private *enableOne(pdev: Ptr): Sleepable<number> {
    const result = yield* this.enableMsi(pdev, { least: 1, most: 1, affinity: 0 });
    return Math.min(result, 0);
  }

  /** __pci_enable_msi_range(): one, since the CPU gives no blocks of vectors away. */
  private *enableMsi(pdev: Ptr, { least, most, affinity }: Wish): Sleepable<number> {
    const { k } = this;
    if (!this.isSupported(pdev, least)) return -EINVAL;
    if (this.type.get(pdev, 'msix_enabled')) {
      pciLog.info(k, pdev, "can't enable MSI (MSI-X already enabled)");
      return -EINVAL;
    }
    if (most < least) return -ERANGE;
    if (this.type.get(pdev, 'msi_enabled')) return this.misused('__pci_enable_msi_range');
    const count = yield* this.msiCount(pdev);
    if (count < 0) return count;
    if (count < least) return -ENOSPC;
    this.manage(pdev);
    const wanted =
      affinity === 0 ? Math.min(count, most) : affinityVectors(k, affinity, least, Math.min(count, most));
    if (wanted < least || least > 1) return -ENOSPC;
    const vectors = yield* this.make(pdev, [0], affinity, 'msi');
    if (vectors === undefined) return -ENOSPC;
    yield* this.turnOn(pdev, { kind: 'msi', vectors });
    this.type.set(pdev, 'irq', vectors[0].irq);
    return 1;
  }

  /** __pci_enable_msix_range(): as many as there are, of those that were asked for. */
  private *enableMsix(
    pdev: Ptr,
    entries: Ptr,
    { least, most, affinity }: Wish,
    virtual: boolean,
  ): Sleepable<number> {
    const { k } = this;
    if (most < least) return -ERANGE;
    if (this.type.get(pdev, 'msi_enabled')) {
      pciLog.info(k, pdev, "can't enable MSI-X (MSI IRQ already assigned)");
      return -EINVAL;
    }
    if (this.type.get(pdev, 'msix_enabled')) return this.misused('__pci_enable_msix_range');
    this.manage(pdev);
    if (!this.isSupported(pdev, most)) return -EINVAL;
    const size = yield* this.msixCount(pdev);
    if (size < 0) return size;
    let count = affinity === 0 ? most : affinityVectors(k, affinity, least, most);
    if (!virtual) count = Math.min(count, size);
    count = Math.min(count, k.get(MsiVectors).free);
    if (count < least) return -ENOSPC;
    const places = this.placesOf(entries, count, size);
    if (places === undefined) return -EINVAL;
    const table = yield* this.mapTable(pdev, size);
    if (table === 0) return -ENOMEM;
    const vectors = yield* this.make(pdev, places, affinity, 'msix');
    if (vectors === undefined) {
      this.unmapTable(pdev);
      return -ENOSPC;
    }
    if (entries !== 0)
      for (const [i, { irq }] of vectors.entries())
        this.entry.set(entries + i * this.entry.size, 'vector', irq);
    yield* this.turnOn(pdev, { kind: 'msix', vectors });
    return count;
  }

  private get entry(): StructType {
    return this.k.struct('msix_entry');
  }

  /** pci_alloc_irq_vectors_affinity(): the best kind that there is, of those that are allowed. */
  private *allocate(pdev: Ptr, wish: Wish, flags: number): Sleepable<number> {
    const { k } = this;
    const spread = (flags & IRQ_AFFINITY) !== 0;
    const affinity = spread ? wish.affinity || this.defaultAffinity : 0;
    if (!spread && wish.affinity !== 0) this.misused('pci_alloc_irq_vectors_affinity');
    const wanted = { ...wish, affinity };
    let result = -ENOSPC;
    if (flags & IRQ_MSIX) {
      result = yield* this.enableMsix(pdev, 0, wanted, (flags & IRQ_VIRTUAL) !== 0);
      if (result > 0) return result;
    }
    if (flags & IRQ_MSI) {
      result = yield* this.enableMsi(pdev, wanted);
      if (result > 0) return result;
    }
    if ((flags & IRQ_LEGACY) === 0 || wish.least !== 1 || this.type.get(pdev, 'irq') === 0) return result;
    yield* k.get(PciEnabling).setIntx(pdev, true);
    return 1;
  }

  /** struct irq_affinity without anything set aside. */
  private get defaultAffinity(): Ptr {
    this.noAffinity ||= this.k.permanent(this.k.sizeOf('irq_affinity'));
    return this.noAffinity;
  }
  private noAffinity: Ptr = 0;

  /** pci_msi_supported() */
  private isSupported(pdev: Ptr, count: number): boolean {
    if (pdev === 0 || this.type.get(pdev, 'no_msi') || count < 1) return false;
    const buses = this.k.struct('pci_bus');
    const without = this.k.enumValue('PCI_BUS_FLAGS_NO_MSI');
    for (let bus = this.type.get(pdev, 'bus'); bus !== 0; bus = buses.get(bus, 'parent'))
      if (buses.get(bus, 'bus_flags') & without) return false;
    return this.type.get(pdev, 'current_state') === PCI_D0;
  }

  private misused(fn: string): number {
    warn(this.k, '', 'drivers/pci/msi/msi.c', fn);
    return -EINVAL;
  }

  /** msi_setup_device_data(): what there is of messages goes with the driver, and there should be none left then. */
  private setUpData(pdev: Ptr): void {
    const { k, withData } = this;
    if (withData.has(pdev)) return;
    withData.add(pdev);
    k.get(Devres).addHost(deviceOfPci(k, pdev), pdev, () => {
      withData.delete(pdev);
      if (!this.enabled.has(pdev) || !this.once.first('msi_device_data_release')) return;
      warn(k, '', 'kernel/irq/msi.c:182', 'msi_device_data_release');
    });
  }
  private readonly withData = new Set<Ptr>();
  private readonly once = new Once();

  /** pcim_setup_msi_release(): a managed device gives its interrupts back when its driver goes. */
  private manage(pdev: Ptr): void {
    const { k, type } = this;
    this.setUpData(pdev);
    if (!type.get(pdev, 'is_managed') || type.get(pdev, 'is_msi_managed')) return;
    type.set(pdev, 'is_msi_managed', 1);
    const release = (): Sleepable<void> => {
      type.set(pdev, 'is_msi_managed', 0);
      return this.freeVectors(pdev);
    };
    k.get(Devres).addHost(deviceOfPci(k, pdev), type.addr(pdev, 'msi_lock'), release);
  }

  private *msiCount(pdev: Ptr): Sleepable<number> {
    const at = this.type.get(pdev, 'msi_cap');
    if (at === 0) return -EINVAL;
    const control = yield* this.k.get(PciAccess).read(pdev, at + MSI_FLAGS, 2);
    return 1 << ((control >>> 1) & 7);
  }

  private *msixCount(pdev: Ptr): Sleepable<number> {
    const at = this.type.get(pdev, 'msix_cap');
    if (at === 0) return -EINVAL;
    return ((yield* this.k.get(PciAccess).read(pdev, at + MSI_FLAGS, 2)) & 0x7ff) + 1;
  }

  /** The places of a table that entries name, or the first ones; undefined where one is not there or named twice. */
  private placesOf(entries: Ptr, count: number, size: number): readonly number[] | undefined {
    if (entries === 0) return Array.from({ length: count }, (_, i) => i);
    const places = Array.from({ length: count }, (_, i) =>
      this.entry.get(entries + i * this.entry.size, 'entry'),
    );
    const fit = new Set(places).size === count && places.every((place) => place < size);
    return fit ? places : undefined;
  }

  /** msix_map_region(): the table lies in one of the BARs. */
  private *mapTable(pdev: Ptr, size: number): Sleepable<Ptr> {
    const { k } = this;
    const at = this.type.get(pdev, 'msix_cap');
    const where = yield* k.get(PciAccess).read(pdev, at + MSIX_TABLE, 4);
    const region = regionOf(k, pdev, where & 7);
    if (region.flags === 0 || region.length === 0n) return 0;
    const base = k.get(Ioremap).map(Number(region.start) + (where & ~7), size * MSIX_ENTRY_SIZE);
    this.type.set(pdev, 'msix_base', base);
    return base;
  }

  private unmapTable(pdev: Ptr): void {
    this.k.get(Ioremap).unmap(this.type.get(pdev, 'msix_base'));
    this.type.set(pdev, 'msix_base', 0);
  }

  /** An interrupt for each place, with its descriptor; undefined, and none, where one cannot be had. */
  private *make(
    pdev: Ptr,
    places: readonly number[],
    affinity: Ptr,
    kind: Enabled['kind'],
  ): Sleepable<Vector[] | undefined> {
    const { k } = this;
    const vectors: Vector[] = [];
    const id =
      (k.struct('pci_bus').get(this.type.get(pdev, 'bus'), 'number') << 8) | this.type.get(pdev, 'devfn');
    for (const index of places) {
      const desc = k.slab.allocateBytes(this.desc.size, true);
      const made = desc === 0 ? undefined : k.get(MsiVectors).allocate(id * 2048 + index, desc);
      if (made === undefined) {
        if (desc !== 0) k.slab.free(desc);
        this.release(vectors);
        return undefined;
      }
      yield* this.describe(pdev, desc, index, made, kind);
      vectors.push({ desc, index, ...made });
    }
    if (affinity !== 0)
      for (const [i, { desc }] of vectors.entries()) spreadAffinity(k, desc, affinity, i, vectors.length);
    return vectors;
  }

  /** What modules and native code look up in a struct msi_desc. */
  private *describe(
    pdev: Ptr,
    at: Ptr,
    index: number,
    { irq, message }: { readonly irq: number; readonly message: MsiMessage },
    kind: Enabled['kind'],
  ): Sleepable<void> {
    const { desc: type, k } = this;
    const msix = kind === 'msix';
    type.set(at, 'irq', irq);
    type.set(at, 'nvec_used', 1);
    type.set(at, 'dev', deviceOfPci(k, pdev));
    type.set(at, 'msg.address_lo', message.address);
    type.set(at, 'msg.data', message.data);
    type.set(at, 'msi_index', index);
    type.set(at, 'pci.msi_attrib.is_msix', Number(msix));
    type.set(at, 'pci.msi_attrib.default_irq', this.type.get(pdev, 'irq'));
    if (msix) {
      type.set(at, 'pci.msi_attrib.is_64', 1);
      type.set(at, 'pci.msi_attrib.can_mask', 1);
      type.set(at, 'pci.mask_base', this.type.get(pdev, 'msix_base'));
      return;
    }
    const control = yield* k.get(PciAccess).read(pdev, this.type.get(pdev, 'msi_cap') + MSI_FLAGS, 2);
    type.set(at, 'pci.msi_attrib.is_64', Number((control & MSI_64BIT) !== 0));
    type.set(at, 'pci.msi_attrib.can_mask', Number((control & MSI_MASKBIT) !== 0));
    type.set(at, 'pci.msi_attrib.multi_cap', (control >>> 1) & 7);
    const place = this.type.get(pdev, 'msi_cap') + ((control & MSI_64BIT) !== 0 ? 16 : 12);
    const masks = (control & MSI_MASKBIT) !== 0;
    type.set(at, 'pci.mask_pos', place);
    type.set(at, 'pci.msi_mask', masks ? yield* k.get(PciAccess).read(pdev, place, 4) : 0);
  }

  private *turnOn(pdev: Ptr, on: Enabled): Sleepable<void> {
    this.enabled.set(pdev, on);
    for (const vector of on.vectors) yield* this.program(pdev, on.kind, vector);
    yield* this.k.get(PciEnabling).setIntx(pdev, false);
    this.type.set(pdev, `${on.kind}_enabled`, 1);
    yield* this.setControl(pdev, on.kind, true);
  }

  private *setControl(pdev: Ptr, kind: Enabled['kind'], on: boolean): Sleepable<void> {
    const at = this.type.get(pdev, `${kind}_cap`) + MSI_FLAGS;
    const [clear, set] =
      kind === 'msi' ? [0x70 | MSI_ENABLE, MSI_ENABLE] : [MSIX_MASKALL | MSIX_ENABLE, MSIX_ENABLE];
    yield* this.k.get(PciAccess).update(pdev, at, 2, clear, on ? set : 0);
  }

  /** __pci_write_msi_msg() */
  private *program(pdev: Ptr, kind: Enabled['kind'], { index, message }: Vector): Sleepable<void> {
    const { k } = this;
    if (kind === 'msix') {
      const at = this.type.get(pdev, 'msix_base') + index * MSIX_ENTRY_SIZE;
      [message.address, 0, message.data, 0].forEach((word, i) => {
        k.get(IoAccess).write(at + 4 * i, 4, word);
      });
      return;
    }
    const access = k.get(PciAccess);
    const at = this.type.get(pdev, 'msi_cap');
    const is64 = ((yield* access.read(pdev, at + MSI_FLAGS, 2)) & MSI_64BIT) !== 0;
    yield* access.write(pdev, at + 4, 4, message.address);
    if (is64) yield* access.write(pdev, at + 8, 4, 0);
    yield* access.write(pdev, at + (is64 ? 12 : 8), 2, message.data);
  }

  private *disable(pdev: Ptr, kind: Enabled['kind']): Sleepable<void> {
    const on = pdev === 0 ? undefined : this.enabled.get(pdev);
    if (on?.kind !== kind) return;
    const { k, type } = this;
    yield* this.setControl(pdev, kind, false);
    yield* k.get(PciEnabling).setIntx(pdev, true);
    type.set(pdev, `${kind}_enabled`, 0);
    if (kind === 'msi')
      type.set(pdev, 'irq', this.desc.get(on.vectors[0].desc, 'pci.msi_attrib.default_irq'));
    this.enabled.delete(pdev);
    this.release(on.vectors);
    if (kind === 'msix') this.unmapTable(pdev);
  }

  private release(vectors: readonly Vector[]): void {
    const { k } = this;
    for (const { irq, desc } of vectors) {
      k.get(MsiVectors).release(irq);
      const affinity = this.desc.get(desc, 'affinity');
      if (affinity !== 0) k.slab.free(affinity);
      k.slab.free(desc);
    }
  }

  /** pci_irq_vector(): the number of an interrupt of the device. */
  irqOf(pdev: Ptr, index: number): number {
    const on = this.enabled.get(pdev);
    if (!on) return index === 0 ? this.type.get(pdev, 'irq') : -EINVAL;
    // The numbers of MSI-X are by their places in the table.
    return on.vectors.find((vector) => vector.index === index)?.irq ?? -EINVAL;
  }

  private affinityOf(pdev: Ptr, index: number): Ptr {
    const { k } = this;
    const irq = this.irqOf(pdev, index);
    if (irq <= 0) {
      this.misused('pci_irq_get_affinity');
      return 0;
    }
    const vector = this.enabled.get(pdev)?.vectors.find((one) => one.irq === irq);
    return vector === undefined ? k.symbol('__cpu_possible_mask') : this.desc.get(vector.desc, 'affinity');
  }
}
