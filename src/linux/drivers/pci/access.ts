import type { Ptr } from '../../../cpu/layout.js';
import { type Sleepable, yieldCpu } from '../../../kernel/effects.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';

/** What configuration accesses return besides 0 (include/linux/pci.h). */
export const BAD_REGISTER_NUMBER = 0x87;
export const DEVICE_NOT_FOUND = 0x86;

export type Width = 1 | 2 | 4;

/** What is read where nothing answers: all ones. */
const allOnes = (width: Width): number => (width === 4 ? 0xffff_ffff : 2 ** (8 * width) - 1);

/**
 * Configuration space, through the operations of a device's bus (drivers/pci/access.c). These may be a module's, so all that looks
 * at it may call guest code.
 */
export class PciAccess implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  /** Where the operations of a bus put what they read. */
  private readonly word: Ptr;

  constructor(private readonly k: LinuxKernel) {
    this.word = k.permanent(8);
  }

  readonly keeps = ['pci_lock'];
  readonly exports = {
    ...this.widths(
      'pci_bus_read_config_',
      (width) => (bus: Ptr, devfn: number, where: number, value: Ptr) =>
        this.readTo(bus, devfn, where, width, value),
    ),
    ...this.widths(
      'pci_bus_write_config_',
      (width) => (bus: Ptr, devfn: number, where: number, value: number) =>
        this.writeBus(bus, devfn, where, width, value),
    ),
    ...this.widths(
      'pci_read_config_',
      (width) => (pdev: Ptr, where: number, value: Ptr) => this.readDeviceTo(pdev, where, width, value),
    ),
    ...this.widths(
      'pci_write_config_',
      (width) => (pdev: Ptr, where: number, value: number) => this.writeDevice(pdev, where, width, value),
    ),
    ...this.widths(
      'pci_user_read_config_',
      (width) => (pdev: Ptr, where: number, value: Ptr) =>
        this.asUser(pdev, () => this.readDeviceTo(pdev, where, width, value)),
    ),
    ...this.widths(
      'pci_user_write_config_',
      (width) => (pdev: Ptr, where: number, value: number) =>
        this.asUser(pdev, () => this.writeDevice(pdev, where, width, value)),
    ),
    pci_cfg_access_lock: (pdev: Ptr) => this.block(pdev),
    pci_cfg_access_trylock: (pdev: Ptr) => this.tryBlock(pdev),
    pci_cfg_access_unlock: (pdev: Ptr) => this.unblock(pdev),
    pci_bus_set_ops: (bus: Ptr, ops: Ptr) => {
      const old = this.k.struct('pci_bus').get(bus, 'ops');
      this.k.struct('pci_bus').set(bus, 'ops', ops);
      return old;
    },
  };

  /** A register of a device; all ones where nothing answers. */
  *read(pdev: Ptr, where: number, width: Width): Sleepable<number> {
    if (this.isGone(pdev)) return allOnes(width);
    const type = this.k.struct('pci_dev');
    const { value } = yield* this.readBus(type.get(pdev, 'bus'), type.get(pdev, 'devfn'), where, width);
    return value;
  }

  *write(pdev: Ptr, where: number, width: Width, value: number): Sleepable<void> {
    yield* this.writeDevice(pdev, where, width, value);
  }

  /** Changes bits of a register; what was there before. */
  *update(pdev: Ptr, where: number, width: Width, clear: number, set: number): Sleepable<number> {
    const old = yield* this.read(pdev, where, width);
    const value = ((old & ~clear) | set) >>> 0;
    if (value !== old) yield* this.write(pdev, where, width, value);
    return old;
  }

  /** A register of what is at a place of a bus, and the operation's result. */
  *readBus(
    bus: Ptr,
    devfn: number,
    where: number,
    width: Width,
  ): Sleepable<{ error: number; value: number }> {
    const { k } = this;
    if (where % width !== 0) return { error: BAD_REGISTER_NUMBER, value: allOnes(width) };
    k.space.store32(this.word, 0);
    const ops = k.struct('pci_bus').get(bus, 'ops');
    const error = yield* k.struct('pci_ops').call(ops, 'read', bus, devfn, where, width, this.word);
    const value = error === 0 ? k.space.load32(this.word) & allOnes(width) : allOnes(width);
    return { error, value: value >>> 0 };
  }

  *writeBus(bus: Ptr, devfn: number, where: number, width: Width, value: number): Sleepable<number> {
    const { k } = this;
    if (where % width !== 0) return BAD_REGISTER_NUMBER;
    const ops = k.struct('pci_bus').get(bus, 'ops');
    return yield* k.struct('pci_ops').call(ops, 'write', bus, devfn, where, width, value >>> 0);
  }

  private *writeDevice(pdev: Ptr, where: number, width: Width, value: number): Sleepable<number> {
    if (this.isGone(pdev)) return DEVICE_NOT_FOUND;
    const type = this.k.struct('pci_dev');
    return yield* this.writeBus(type.get(pdev, 'bus'), type.get(pdev, 'devfn'), where, width, value);
  }

  private *readDeviceTo(pdev: Ptr, where: number, width: Width, to: Ptr): Sleepable<number> {
    if (this.isGone(pdev)) {
      this.store(to, width, allOnes(width));
      return DEVICE_NOT_FOUND;
    }
    const type = this.k.struct('pci_dev');
    return yield* this.readTo(type.get(pdev, 'bus'), type.get(pdev, 'devfn'), where, width, to);
  }

  private *readTo(bus: Ptr, devfn: number, where: number, width: Width, to: Ptr): Sleepable<number> {
    const { error, value } = yield* this.readBus(bus, devfn, where, width);
    // A register that is not at its boundary is refused before anything is read or stored.
    if (error !== BAD_REGISTER_NUMBER) this.store(to, width, value);
    return error;
  }

  /** Accesses of user space wait while a driver has the configuration to itself. */
  private *asUser(pdev: Ptr, access: () => Sleepable<number>): Sleepable<number> {
    while (this.isBlocked(pdev)) yield* yieldCpu();
    return (yield* access()) === 0 ? 0 : -EINVAL;
  }

  private isBlocked(pdev: Ptr): boolean {
    return this.k.struct('pci_dev').get(pdev, 'block_cfg_access') !== 0;
  }

  private *block(pdev: Ptr): Sleepable<void> {
    while (!this.tryBlock(pdev)) yield* yieldCpu();
  }

  private tryBlock(pdev: Ptr): boolean {
    if (this.isBlocked(pdev)) return false;
    this.k.struct('pci_dev').set(pdev, 'block_cfg_access', 1);
    return true;
  }

  private unblock(pdev: Ptr): void {
    if (!this.isBlocked(pdev)) warn(this.k, '', 'drivers/pci/access.c', 'pci_cfg_access_unlock');
    this.k.struct('pci_dev').set(pdev, 'block_cfg_access', 0);
  }

  private store(at: Ptr, width: Width, value: number): void {
    const { space } = this.k;
    if (width === 1) space.store8(at, value);
    else if (width === 2) space.store16(at, value);
    else space.store32(at, value);
  }

  /** pci_dev_is_disconnected() */
  private isGone(pdev: Ptr): boolean {
    const state = this.k.struct('pci_dev').get(pdev, 'error_state');
    return state === this.k.enumValue('pci_channel_io_perm_failure');
  }

  private widths<F>(prefix: string, make: (width: Width) => F): Record<string, F> {
    return { [`${prefix}byte`]: make(1), [`${prefix}word`]: make(2), [`${prefix}dword`]: make(4) };
  }
}
