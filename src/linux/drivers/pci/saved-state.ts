import type { Ptr } from '../../../cpu/layout.js';
import { partly } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { hlist } from '../../abi/hlist.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Delays } from '../../time/delay.js';
import { PciAccess } from './access.js';
import { expressRegisters, PciExpress } from './express.js';
import { PciMsi } from './msi.js';
import { CAP_ID_EXP } from './pci-regs.js';

/** Words of the header that are kept. */
const HEADER_WORDS = 16;
/** Groups of them in the order in which they are put back, BARs before the command register; how often a word is tried. */
const GROUPS = [
  { first: 10, last: 15, tries: 0 },
  { first: 4, last: 9, tries: 10 },
  { first: 0, last: 3, tries: 0 },
] as const;
/** Registers of PCI Express that are kept (PCI_EXP_SAVE_REGS). */
const EXPRESS_REGISTERS = 7;

const KEPT = 'of the capabilities only PCI Express and message-signalled interrupts are kept';

/** Keeping a device's configuration while it is off or reset, and putting it back (drivers/pci/pci.c). */
export class PciSavedState implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_save_state: partly(KEPT, (pdev: Ptr) => this.save(pdev)),
    pci_restore_state: partly(KEPT, (pdev: Ptr) => this.restore(pdev)),
    pci_store_saved_state: (pdev: Ptr) => this.store(pdev),
    pci_load_saved_state: (pdev: Ptr, state: Ptr) => this.load(pdev, state),
    pci_load_and_free_saved_state: (pdev: Ptr, slot: Ptr) => {
      const state = this.k.space.loadPtr(slot);
      const error = this.load(pdev, state);
      if (state !== 0) this.k.slab.free(state);
      this.k.space.storePtr(slot, 0);
      return error;
    },
  };

  /** pci_allocate_cap_save_buffers(): room for what is kept, made with the device. */
  prepare(pdev: Ptr): void {
    const { k } = this;
    if (k.struct('pci_dev').get(pdev, 'pcie_cap') === 0) return;
    const type = k.struct('pci_cap_saved_state');
    const buffer = k.slab.allocateBytes(type.size + EXPRESS_REGISTERS * 2, true);
    if (buffer === 0) return;
    type.set(buffer, 'cap.cap_nr', CAP_ID_EXP);
    type.set(buffer, 'cap.size', EXPRESS_REGISTERS * 2);
    hlist.addHead(k.space, type.addr(buffer, 'next'), k.struct('pci_dev').addr(pdev, 'saved_cap_space'));
  }

  /** Frees that room. */
  drop(pdev: Ptr): void {
    const head = this.k.struct('pci_dev').addr(pdev, 'saved_cap_space');
    for (const buffer of this.buffers(pdev)) {
      hlist.delInit(this.k.space, buffer);
      this.k.slab.free(buffer);
    }
    this.k.space.storePtr(head, 0);
  }

  *save(pdev: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('pci_dev');
    const words = type.addr(pdev, 'saved_config_space');
    for (let i = 0; i < HEADER_WORDS; i++)
      k.space.store32(words + 4 * i, yield* k.get(PciAccess).read(pdev, 4 * i, 4));
    type.set(pdev, 'state_saved', 1);
    const buffer = this.expressBuffer(pdev);
    if (buffer === 0) return 0;
    const registers = expressRegisters(k.get(PciExpress).kindOf(pdev));
    for (const [index, at] of registers.entries())
      k.space.store16(buffer + 2 * index, yield* k.get(PciExpress).read(pdev, at, 2));
    return 0;
  }

  *restore(pdev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('pci_dev');
    if (!type.get(pdev, 'state_saved')) return;
    yield* this.restoreExpress(pdev);
    const normal = (type.get(pdev, 'hdr_type') & 0x7f) === 0;
    for (const { first, last, tries } of normal ? GROUPS : [{ first: 0, last: HEADER_WORDS - 1, tries: 0 }])
      for (let index = last; index >= first; index--) yield* this.restoreWord(pdev, index, tries);
    yield* k.get(PciMsi).restore(pdev);
    type.set(pdev, 'state_saved', 0);
  }

  private *restoreExpress(pdev: Ptr): Sleepable<void> {
    const { k } = this;
    const buffer = this.expressBuffer(pdev);
    if (buffer === 0) return;
    const registers = expressRegisters(k.get(PciExpress).kindOf(pdev));
    for (const [index, at] of registers.entries())
      yield* k.get(PciExpress).write(pdev, at, 2, k.space.load16(buffer + 2 * index));
  }

  /** pci_restore_config_dword(): until the device has it, or as often as is tried. */
  private *restoreWord(pdev: Ptr, index: number, tries: number): Sleepable<void> {
    const { k } = this;
    const saved = k.space.load32(k.struct('pci_dev').addr(pdev, 'saved_config_space') + 4 * index);
    for (let left = tries; ; left--) {
      if ((yield* k.get(PciAccess).read(pdev, 4 * index, 4)) === saved) return;
      yield* k.get(PciAccess).write(pdev, 4 * index, 4, saved);
      if (left <= 0) return;
      k.get(Delays).exports.__udelay(1000);
    }
  }

  /** Where the registers of PCI Express are kept; 0 for other devices. */
  private expressBuffer(pdev: Ptr): Ptr {
    const type = this.k.struct('pci_cap_saved_state');
    const found = this.buffers(pdev).find((buffer) => type.get(buffer, 'cap.cap_nr') === CAP_ID_EXP);
    return found === undefined ? 0 : type.addr(found, 'cap.data');
  }

  private buffers(pdev: Ptr): Ptr[] {
    const { k } = this;
    const found: Ptr[] = [];
    let at = k.space.loadPtr(k.struct('pci_dev').addr(pdev, 'saved_cap_space'));
    for (; at !== 0; at = k.space.loadPtr(at)) found.push(k.struct('pci_cap_saved_state').of(at, 'next'));
    return found;
  }

  /** pci_store_saved_state(): a copy that the caller owns; 0 if nothing is saved. */
  private store(pdev: Ptr): Ptr {
    const { k } = this;
    if (!k.struct('pci_dev').get(pdev, 'state_saved')) return 0;
    const header = k.sizeOf('pci_saved_state');
    const entry = k.sizeOf('pci_cap_saved_data');
    const caps = this.buffers(pdev).map((at) => this.dataOf(at));
    const bytes = caps.reduce((sum, { size }) => sum + entry + size, header + entry);
    const state = k.slab.allocateBytes(bytes, true);
    if (state === 0) return 0;
    this.copy(state, k.struct('pci_dev').addr(pdev, 'saved_config_space'), HEADER_WORDS * 4);
    let at = k.struct('pci_saved_state').addr(state, 'cap');
    for (const { from, size } of caps) {
      this.copy(at, from, entry + size);
      at += entry + size;
    }
    return state;
  }

  /** pci_load_saved_state(): -EINVAL for what is not of a device like this. */
  private load(pdev: Ptr, state: Ptr): number {
    const { k } = this;
    const type = k.struct('pci_dev');
    type.set(pdev, 'state_saved', 0);
    if (state === 0) return 0;
    this.copy(type.addr(pdev, 'saved_config_space'), state, HEADER_WORDS * 4);
    const entry = k.struct('pci_cap_saved_data');
    let at = k.struct('pci_saved_state').addr(state, 'cap');
    for (let size = entry.get(at, 'size'); size !== 0; size = entry.get(at, 'size')) {
      const own = this.buffers(pdev).map((buffer) => this.dataOf(buffer));
      const same = own.find(({ from }) => entry.get(from, 'cap_nr') === entry.get(at, 'cap_nr'));
      if (same === undefined || same.size !== size) return -EINVAL;
      this.copy(same.from, at, entry.size + size);
      at += entry.size + size;
    }
    type.set(pdev, 'state_saved', 1);
    return 0;
  }

  private dataOf(buffer: Ptr): { readonly from: Ptr; readonly size: number } {
    const type = this.k.struct('pci_cap_saved_state');
    return { from: type.addr(buffer, 'cap'), size: type.get(buffer, 'cap.size') };
  }

  private copy(to: Ptr, from: Ptr, bytes: number): void {
    this.k.space.writable(to, bytes).set(this.k.space.readable(from, bytes));
  }
}
