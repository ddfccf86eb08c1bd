import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { ENOTTY } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { PciAccess } from './access.js';
import { PciExpress } from './express.js';
import {
  COMMAND_INTX_DISABLE,
  PCI_COMMAND,
  PCI_D0,
  PCI_D3HOT,
  PM_CTRL,
  PM_NO_SOFT_RESET,
} from './pci-regs.js';
import { PciPower } from './power.js';
import { PciSavedState } from './saved-state.js';

/** Resetting a function of a device, by the first way that it has (drivers/pci/pci.c): a function level reset, or D3hot and back. */
export class PciReset implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __pci_reset_function_locked: (pdev: Ptr) => this.reset(pdev),
    pci_reset_function: (pdev: Ptr) => this.resetSaved(pdev),
    pci_reset_function_locked: (pdev: Ptr) => this.resetSaved(pdev),
    pci_try_reset_function: (pdev: Ptr) => this.resetSaved(pdev),
  };

  /** __pci_reset_function_locked(): -ENOTTY for a device that has none of the ways. */
  private *reset(pdev: Ptr): Sleepable<number> {
    const { k } = this;
    const error = yield* k.get(PciExpress).exports.pcie_reset_flr(pdev, 0);
    return error === -ENOTTY ? yield* this.byPower(pdev, false) : error;
  }

  /** pci_pm_reset(): a device that keeps nothing over D3hot has forgotten all when it is back. */
  private *byPower(pdev: Ptr, probe: boolean): Sleepable<number> {
    const { k } = this;
    const at = k.struct('pci_dev').get(pdev, 'pm_cap');
    if (at === 0) return -ENOTTY;
    if ((yield* k.get(PciAccess).read(pdev, at + PM_CTRL, 2)) & PM_NO_SOFT_RESET) return -ENOTTY;
    if (probe) return 0;
    yield* k.get(PciPower).set(pdev, PCI_D3HOT);
    return yield* k.get(PciPower).set(pdev, PCI_D0);
  }

  private *canReset(pdev: Ptr): Sleepable<boolean> {
    const flr = yield* this.k.get(PciExpress).exports.pcie_reset_flr(pdev, 1);
    return flr === 0 || (yield* this.byPower(pdev, true)) === 0;
  }

  /** pci_reset_function(): the driver is told before and after, and the configuration is put back. */
  private *resetSaved(pdev: Ptr): Sleepable<number> {
    const { k } = this;
    if (!(yield* this.canReset(pdev))) return -ENOTTY;
    yield* this.tell(pdev, 'reset_prepare');
    yield* k.get(PciPower).set(pdev, PCI_D0);
    yield* k.get(PciSavedState).save(pdev);
    yield* k.get(PciAccess).write(pdev, PCI_COMMAND, 2, COMMAND_INTX_DISABLE);
    const error = yield* this.reset(pdev);
    yield* k.get(PciSavedState).restore(pdev);
    yield* this.tell(pdev, 'reset_done');
    return error;
  }

  private *tell(pdev: Ptr, what: 'reset_prepare' | 'reset_done'): Sleepable<void> {
    const { k } = this;
    const driver = k.struct('pci_dev').get(pdev, 'driver');
    const handlers = driver === 0 ? 0 : k.struct('pci_driver').get(driver, 'err_handler');
    const type = k.struct('pci_error_handlers');
    if (handlers !== 0 && type.get(handlers, what) !== 0) yield* type.call(handlers, what, pdev);
  }
}
