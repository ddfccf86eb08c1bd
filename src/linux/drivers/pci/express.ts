import type { Ptr } from '../../../cpu/layout.js';
import { nothing, partly } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, EIO, ENOTTY } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Delays } from '../../time/delay.js';
import { BAD_REGISTER_NUMBER, PciAccess, type Width } from './access.js';
import { pciLog } from './pci-dev.js';
import {
  DEVCTL_BCR_FLR,
  DEVCTL_PAYLOAD,
  DEVCTL_READRQ,
  DEVCTL_RELAX_EN,
  DEVSTA_TRPND,
  EXP_DEVCAP,
  EXP_DEVCAP_FLR,
  EXP_DEVCTL,
  EXP_DEVCTL2,
  EXP_DEVSTA,
  EXP_FLAGS,
  EXP_FLAGS_SLOT,
  EXP_LNKCTL,
  EXP_LNKCTL2,
  EXP_RTCTL,
  EXP_SLTCTL,
  EXP_SLTCTL2,
  EXP_SLTSTA,
  EXP_SLTSTA_PDS,
  PCI_VENDOR_ID,
} from './pci-regs.js';

/** What a PCI Express device is: the type and version in its capability, and whether it has a slot. */
export interface ExpressKind {
  readonly type: number;
  readonly version: number;
  readonly slot: boolean;
}

/** Types of devices (PCI_EXP_TYPE_...). */
const ROOT_PORT = 4;
const DOWNSTREAM = 6;
const PCIE_BRIDGE = 8;
const ROOT_INTEGRATED = 9;
const EVENT_COLLECTOR = 10;

const hasLink = ({ type }: ExpressKind): boolean => type !== ROOT_INTEGRATED && type !== EVENT_COLLECTOR;
const isDownstreamPort = ({ type }: ExpressKind): boolean =>
  type === ROOT_PORT || type === DOWNSTREAM || type === PCIE_BRIDGE;
const hasSlot = (kind: ExpressKind): boolean => isDownstreamPort(kind) && kind.slot;
const isRoot = ({ type }: ExpressKind): boolean => type === ROOT_PORT || type === EVENT_COLLECTOR;

/** Registers that a kind of device keeps over a reset (pci_save_pcie_state()). */
export function expressRegisters(kind: ExpressKind): readonly number[] {
  const second = kind.version > 1;
  const all: readonly (readonly [register: number, has: boolean])[] = [
    [EXP_DEVCTL, true],
    [EXP_LNKCTL, hasLink(kind)],
    [EXP_SLTCTL, hasSlot(kind)],
    [EXP_RTCTL, isRoot(kind)],
    [EXP_DEVCTL2, second],
    [EXP_LNKCTL2, hasLink(kind) && second],
    [EXP_SLTCTL2, hasSlot(kind) && second],
  ];
  return all.filter(([, has]) => has).map(([register]) => register);
}

/** pcie_capability_reg_implemented() */
function isImplemented(kind: ExpressKind, at: number): boolean {
  if (at >= EXP_FLAGS && at <= EXP_DEVSTA) return true;
  if (at > EXP_DEVSTA && at <= 0x12) return hasLink(kind);
  if (at > 0x12 && at <= EXP_SLTSTA) return hasSlot(kind);
  if (at > EXP_SLTSTA && at <= 0x20) return isRoot(kind);
  if (at === 0x24 || at === EXP_DEVCTL2) return kind.version > 1;
  if (at >= 0x2c && at <= 0x32) return hasLink(kind) && kind.version > 1;
  return false;
}

/** What a function has for its reset. */
const RESET_NS = 100e6;

/** The capability of PCI Express (drivers/pci/access.c, pci.c); ports have no services here, so nobody reports errors. */
export class PciExpress implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pcie_capability_read_word: (pdev: Ptr, at: number, value: Ptr) => this.readTo(pdev, at, 2, value),
    pcie_capability_read_dword: (pdev: Ptr, at: number, value: Ptr) => this.readTo(pdev, at, 4, value),
    pcie_capability_write_word: (pdev: Ptr, at: number, value: number) =>
      this.writeChecked(pdev, at, 2, value),
    pcie_capability_write_dword: (pdev: Ptr, at: number, value: number) =>
      this.writeChecked(pdev, at, 4, value),
    pcie_capability_clear_and_set_word_unlocked: (pdev: Ptr, at: number, clear: number, set: number) =>
      this.change(pdev, at, 2, clear, set),
    pcie_capability_clear_and_set_word_locked: (pdev: Ptr, at: number, clear: number, set: number) =>
      this.change(pdev, at, 2, clear, set),
    pcie_capability_clear_and_set_dword: (pdev: Ptr, at: number, clear: number, set: number) =>
      this.change(pdev, at, 4, clear, set),
    pcie_get_readrq: (pdev: Ptr) => this.size(pdev, DEVCTL_READRQ),
    pcie_set_readrq: (pdev: Ptr, bytes: number) => this.setReadRequest(pdev, bytes),
    pcie_get_mps: (pdev: Ptr) => this.size(pdev, DEVCTL_PAYLOAD),
    pcie_set_mps: (pdev: Ptr, bytes: number) => this.setPayload(pdev, bytes),
    pcie_relaxed_ordering_enabled: (pdev: Ptr) => this.isRelaxed(pdev),
    pcie_flr: (pdev: Ptr) => this.reset(pdev),
    pcie_reset_flr: (pdev: Ptr, probe: number) => this.tryReset(pdev, probe !== 0),
    pci_wait_for_pending_transaction: (pdev: Ptr) => this.waitForPending(pdev),
    pci_device_is_present: (pdev: Ptr) => this.isPresent(pdev),
    pci_enable_pcie_error_reporting: nothing('nobody reports errors of PCI Express', -EIO),
    pci_disable_pcie_error_reporting: nothing('nobody reports errors of PCI Express', -EIO),
    pci_aer_clear_nonfatal_status: nothing('nobody reports errors of PCI Express', -EIO),
    pci_disable_link_state: partly('links have no states that save power', (pdev: Ptr) =>
      this.linkState(pdev),
    ),
    pci_disable_link_state_locked: partly('links have no states that save power', (pdev: Ptr) =>
      this.linkState(pdev),
    ),
    pcie_aspm_enabled: nothing('links have no states that save power', false),
  };

  /** What a device is, from its PCI Express capability. */
  kindOf(pdev: Ptr): ExpressKind {
    const flags = this.k.struct('pci_dev').get(pdev, 'pcie_flags_reg');
    return { type: (flags >>> 4) & 0xf, version: flags & 0xf, slot: (flags & EXP_FLAGS_SLOT) !== 0 };
  }

  /** A register of the capability; 0 for one that the kind of device does not have. */
  *read(pdev: Ptr, at: number, width: Width): Sleepable<number> {
    const base = this.k.struct('pci_dev').get(pdev, 'pcie_cap');
    if (base === 0) return 0;
    const kind = this.kindOf(pdev);
    if (isImplemented(kind, at)) return yield* this.k.get(PciAccess).read(pdev, base + at, width);
    // A port without a slot has something behind it all the same.
    return isDownstreamPort(kind) && at === EXP_SLTSTA ? EXP_SLTSTA_PDS : 0;
  }

  *write(pdev: Ptr, at: number, width: Width, value: number): Sleepable<void> {
    const base = this.k.struct('pci_dev').get(pdev, 'pcie_cap');
    if (base !== 0 && isImplemented(this.kindOf(pdev), at))
      yield* this.k.get(PciAccess).write(pdev, base + at, width, value);
  }

  private *readTo(pdev: Ptr, at: number, width: 2 | 4, to: Ptr): Sleepable<number> {
    const { space } = this.k;
    const misplaced = at % width !== 0;
    const value = misplaced ? 0 : yield* this.read(pdev, at, width);
    if (width === 2) space.store16(to, value);
    else space.store32(to, value);
    return misplaced ? BAD_REGISTER_NUMBER : 0;
  }

  private *writeChecked(pdev: Ptr, at: number, width: 2 | 4, value: number): Sleepable<number> {
    if (at % width !== 0) return BAD_REGISTER_NUMBER;
    yield* this.write(pdev, at, width, value);
    return 0;
  }

  private *change(pdev: Ptr, at: number, width: 2 | 4, clear: number, set: number): Sleepable<number> {
    if (at % width !== 0) return BAD_REGISTER_NUMBER;
    const old = yield* this.read(pdev, at, width);
    yield* this.write(pdev, at, width, ((old & ~clear) | set) >>> 0);
    return 0;
  }

  /** A size in a field of the control register: 128 bytes and the powers of two after that. */
  private *size(pdev: Ptr, field: number): Sleepable<number> {
    const control = yield* this.read(pdev, EXP_DEVCTL, 2);
    return 128 << ((control & field) / (field & -field));
  }

  private *setSize(pdev: Ptr, field: number, bytes: number): Sleepable<number> {
    const code = Math.log2(bytes) - 7;
    return yield* this.change(pdev, EXP_DEVCTL, 2, field, code * (field & -field));
  }

  private *setReadRequest(pdev: Ptr, bytes: number): Sleepable<number> {
    if (bytes < 128 || bytes > 4096 || (bytes & (bytes - 1)) !== 0) return -EINVAL;
    return yield* this.setSize(pdev, DEVCTL_READRQ, bytes);
  }

  private *setPayload(pdev: Ptr, bytes: number): Sleepable<number> {
    if (bytes < 128 || bytes > 4096 || (bytes & (bytes - 1)) !== 0) return -EINVAL;
    if (Math.log2(bytes) - 7 > this.k.struct('pci_dev').get(pdev, 'pcie_mpss')) return -EINVAL;
    return yield* this.setSize(pdev, DEVCTL_PAYLOAD, bytes);
  }

  private *isRelaxed(pdev: Ptr): Sleepable<boolean> {
    return ((yield* this.read(pdev, EXP_DEVCTL, 2)) & DEVCTL_RELAX_EN) !== 0;
  }

  /** pcie_flr(): waits for what is under way, resets, and gives the device its time. */
  private *reset(pdev: Ptr): Sleepable<number> {
    if (!(yield* this.waitForPending(pdev)))
      pciLog.error(
        this.k,
        pdev,
        'timed out waiting for pending transaction; performing function level reset anyway',
      );
    yield* this.change(pdev, EXP_DEVCTL, 2, 0, DEVCTL_BCR_FLR);
    yield* this.k.get(Delays).sleep(RESET_NS);
    return 0;
  }

  private *tryReset(pdev: Ptr, probe: boolean): Sleepable<number> {
    const type = this.k.struct('pci_dev');
    if (type.get(pdev, 'dev_flags') & this.k.enumValue('PCI_DEV_FLAGS_NO_FLR_RESET')) return -ENOTTY;
    const capabilities = yield* this.read(pdev, EXP_DEVCAP, 4);
    if ((capabilities & EXP_DEVCAP_FLR) === 0) return -ENOTTY;
    return probe ? 0 : yield* this.reset(pdev);
  }

  /** pci_wait_for_pending(): four looks, each later than the one before. */
  private *waitForPending(pdev: Ptr): Sleepable<number> {
    if (this.k.struct('pci_dev').get(pdev, 'pcie_cap') === 0) return 1;
    for (let look = 0; look < 4; look++) {
      if (look > 0) yield* this.k.get(Delays).sleep(2 ** (look - 1) * 100e6);
      if (((yield* this.read(pdev, EXP_DEVSTA, 2)) & DEVSTA_TRPND) === 0) return 1;
    }
    return 0;
  }

  private *isPresent(pdev: Ptr): Sleepable<boolean> {
    const id = yield* this.k.get(PciAccess).read(pdev, PCI_VENDOR_ID, 4);
    return id !== 0xffff_ffff && id !== 0 && id !== 0xffff && id !== 0xffff_0000;
  }

  private linkState(pdev: Ptr): number {
    return this.k.struct('pci_dev').get(pdev, 'pcie_cap') === 0 ? -EINVAL : 0;
  }
}
