import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { IORESOURCE_IO, IORESOURCE_MEM_64 } from '../../abi/ioport.js';
import { EINVAL, EIO, ENODEV } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Delays } from '../../time/delay.js';
import { PciAccess } from './access.js';
import { BAR_IO_BITS, BAR_MEMORY_BITS } from './bars.js';
import { pciLog, resourceAt } from './pci-dev.js';
import {
  PCI_BASE_ADDRESS_0,
  PCI_D0,
  PCI_D1,
  PCI_D2,
  PCI_D3COLD,
  PCI_D3HOT,
  PM_CTRL,
  PM_NO_SOFT_RESET,
  PM_PME_ENABLE,
  PM_PME_STATUS,
  PM_STATE_MASK,
} from './pci-regs.js';

/** PCI_PM_D2_DELAY */
const D2_DELAY_US = 200;
/** Names of states (pci_power_name()). */
const NAMES = ['D0', 'D1', 'D2', 'D3hot', 'D3cold', 'unknown'] as const;
/** PM_EVENT_ON, and those that end in D3 (include/linux/pm.h). */
const EVENT_ON = 0;
const SLEEP_EVENTS = [1, 2, 4, 8];

/** The power states of a device, by its own capability: there is no firmware that has a say in it (drivers/pci/pci.c). */
export class PciPower implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_set_power_state: (pdev: Ptr, state: number) => this.set(pdev, state),
    pci_set_power_state_locked: (pdev: Ptr, state: number) => this.set(pdev, state),
    pci_choose_state: (pdev: Ptr, message: number) => this.choose(pdev, message),
    pci_pme_capable: (pdev: Ptr, state: number) => this.canWakeFrom(pdev, state),
    pci_pme_active: (pdev: Ptr, on: boolean) => this.setPme(pdev, on),
    pci_enable_wake: (pdev: Ptr, state: number, on: boolean) => this.enableWake(pdev, state, on),
    pci_wake_from_d3: (pdev: Ptr, on: boolean) =>
      this.enableWake(pdev, this.canWakeFrom(pdev, PCI_D3COLD) ? PCI_D3COLD : PCI_D3HOT, on),
    pci_prepare_to_sleep: (pdev: Ptr) => this.prepareToSleep(pdev),
    pci_back_from_sleep: (pdev: Ptr) => this.backFromSleep(pdev),
    pci_d3cold_enable: (pdev: Ptr) => this.k.struct('pci_dev').set(pdev, 'no_d3cold', 0),
    pci_d3cold_disable: (pdev: Ptr) => this.k.struct('pci_dev').set(pdev, 'no_d3cold', 1),
    pci_dev_run_wake: (pdev: Ptr) => this.canWakeAtRunTime(pdev),
    pci_platform_power_transition: (pdev: Ptr, _state: number) => this.withoutFirmware(pdev),
  };

  /** pci_update_current_state(): what the device says, `state` where it says nothing. */
  *updateState(pdev: Ptr, state: number): Sleepable<void> {
    const type = this.k.struct('pci_dev');
    const control = yield* this.control(pdev);
    if (control === undefined) type.set(pdev, 'current_state', state);
    else type.set(pdev, 'current_state', control === 0xffff ? PCI_D3COLD : control & PM_STATE_MASK);
  }

  /** pci_set_power_state(): 0, also where the device cannot; -EINVAL for a state that cannot follow, -EIO for one that is not there. */
  *set(pdev: Ptr, wanted: number): Sleepable<number> {
    const type = this.k.struct('pci_dev');
    const state = Math.max(PCI_D0, Math.min(wanted, PCI_D3COLD));
    if ((state === PCI_D1 || state === PCI_D2) && type.get(pdev, 'no_d1d2')) return 0;
    if (type.get(pdev, 'current_state') === state) return 0;
    if (state === PCI_D0) return yield* this.toFull(pdev);
    const keepsPower = this.k.enumValue('PCI_DEV_FLAGS_NO_D3');
    if (state >= PCI_D3HOT && type.get(pdev, 'dev_flags') & keepsPower) return 0;
    // Nothing but the device itself can change its power.
    return yield* this.toLow(pdev, Math.min(state, PCI_D3HOT));
  }

  /** The register of state and control; undefined for a device that has none. */
  private *control(pdev: Ptr): Sleepable<number | undefined> {
    const at = this.k.struct('pci_dev').get(pdev, 'pm_cap');
    return at === 0 ? undefined : yield* this.k.get(PciAccess).read(pdev, at + PM_CTRL, 2);
  }

  private *setControl(pdev: Ptr, value: number): Sleepable<void> {
    const at = this.k.struct('pci_dev').get(pdev, 'pm_cap');
    yield* this.k.get(PciAccess).write(pdev, at + PM_CTRL, 2, value);
  }

  /** pci_platform_power_transition() where firmware does not manage power: a device without the capability is always on. */
  private withoutFirmware(pdev: Ptr): number {
    const type = this.k.struct('pci_dev');
    if (type.get(pdev, 'pm_cap') === 0) type.set(pdev, 'current_state', PCI_D0);
    return -ENODEV;
  }

  /** pci_set_full_power_state() */
  private *toFull(pdev: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('pci_dev');
    this.withoutFirmware(pdev);
    const before = type.get(pdev, 'current_state');
    const control = yield* this.control(pdev);
    if (control === undefined) return 0;
    if (control === 0xffff) {
      const name = NAMES[before] ?? 'unknown';
      pciLog.error(k, pdev, `Unable to change power state from ${name} to D0, device inaccessible`);
      type.set(pdev, 'current_state', PCI_D3COLD);
      return -EIO;
    }
    const state = control & PM_STATE_MASK;
    const lost = (state === PCI_D3HOT || before >= PCI_D3HOT) && (control & PM_NO_SOFT_RESET) === 0;
    if (state !== PCI_D0) {
      yield* this.setControl(pdev, 0);
      yield* this.settle(pdev, state);
    }
    yield* this.updateState(pdev, PCI_D0);
    const now = type.get(pdev, 'current_state');
    if (now !== PCI_D0) this.refused(pdev, now, PCI_D0);
    else if (lost) yield* this.restoreBars(pdev);
    return 0;
  }

  /** pci_set_low_power_state() */
  private *toLow(pdev: Ptr, state: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('pci_dev');
    const before = type.get(pdev, 'current_state');
    if (type.get(pdev, 'pm_cap') === 0) return -EIO;
    if (before <= PCI_D3COLD && before > state) return -EINVAL;
    if (state === PCI_D1 && !type.get(pdev, 'd1_support')) return -EIO;
    if (state === PCI_D2 && !type.get(pdev, 'd2_support')) return -EIO;
    const control = (yield* this.control(pdev)) ?? 0xffff;
    if (control === 0xffff) {
      const from = NAMES[before] ?? 'unknown';
      pciLog.error(
        k,
        pdev,
        `Unable to change power state from ${from} to ${NAMES[state]}, device inaccessible`,
      );
      type.set(pdev, 'current_state', PCI_D3COLD);
      return -EIO;
    }
    yield* this.setControl(pdev, (control & ~PM_STATE_MASK) | state);
    yield* this.settle(pdev, state);
    yield* this.updateState(pdev, state);
    const now = type.get(pdev, 'current_state');
    if (now !== state) this.refused(pdev, now, state);
    return 0;
  }

  private refused(pdev: Ptr, now: number, wanted: number): void {
    const text = `Refused to change power state from ${NAMES[now]} to ${NAMES[wanted]}`;
    pciLog.info(this.k, pdev, text);
  }

  /** A device needs its time to leave a state, or to come to it. */
  private *settle(pdev: Ptr, state: number): Sleepable<void> {
    const delays = this.k.get(Delays);
    if (state === PCI_D3HOT) yield* delays.sleep(this.k.struct('pci_dev').get(pdev, 'd3hot_delay') * 1e6);
    else if (state === PCI_D2) delays.exports.__udelay(D2_DELAY_US);
  }

  /** pci_restore_bars(): a device that was off has forgotten where it is. */
  private *restoreBars(pdev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('resource');
    for (let bar = 0; bar < 6; bar++) {
      const at = resourceAt(k, pdev, bar);
      const flags = type.get(at, 'flags');
      if (flags === 0) continue;
      const bits = flags & Number(flags & IORESOURCE_IO ? BAR_IO_BITS : BAR_MEMORY_BITS);
      const start = type.getBig(at, 'start');
      const register = PCI_BASE_ADDRESS_0 + 4 * bar;
      yield* k.get(PciAccess).write(pdev, register, 4, Number(start & 0xffff_fff0n) | bits);
      if (flags & IORESOURCE_MEM_64)
        yield* k.get(PciAccess).write(pdev, register + 4, 4, Number(start >> 32n));
    }
  }

  private choose(pdev: Ptr, event: number): number {
    if (this.k.struct('pci_dev').get(pdev, 'pm_cap') === 0 || event === EVENT_ON) return PCI_D0;
    if (!SLEEP_EVENTS.includes(event)) pciLog.info(this.k, pdev, `unrecognized suspend event ${event}`);
    return PCI_D3HOT;
  }

  private canWakeFrom(pdev: Ptr, state: number): boolean {
    const type = this.k.struct('pci_dev');
    return type.get(pdev, 'pm_cap') !== 0 && (type.get(pdev, 'pme_support') & (1 << state)) !== 0;
  }

  /** pci_pme_active() */
  private *setPme(pdev: Ptr, on: boolean): Sleepable<void> {
    if (this.k.struct('pci_dev').get(pdev, 'pme_support') === 0) return;
    const control = (yield* this.control(pdev)) ?? 0;
    const value = control | PM_PME_STATUS | PM_PME_ENABLE;
    yield* this.setControl(pdev, on ? value : value & ~PM_PME_ENABLE);
  }

  /** device_may_wakeup() */
  private mayWake(pdev: Ptr): boolean {
    const type = this.k.struct('pci_dev');
    return type.get(pdev, 'dev.power.can_wakeup') !== 0 && type.get(pdev, 'dev.power.wakeup') !== 0;
  }

  private *enableWake(pdev: Ptr, state: number, on: boolean): Sleepable<number> {
    return on && !this.mayWake(pdev) ? -EINVAL : yield* this.wake(pdev, state, on);
  }

  /** __pci_enable_wake(): a device that cannot signal it from that state is left to firmware, which has no word in it here. */
  private *wake(pdev: Ptr, state: number, on: boolean): Sleepable<number> {
    const type = this.k.struct('pci_dev');
    const bridge = type.get(pdev, 'subordinate') !== 0 && !type.get(pdev, 'bridge_d3');
    if (bridge || (type.get(pdev, 'wakeup_prepared') !== 0) === on) return 0;
    if (!on) {
      yield* this.setPme(pdev, false);
      type.set(pdev, 'wakeup_prepared', 0);
      return 0;
    }
    if (this.canWakeFrom(pdev, state) || this.canWakeFrom(pdev, PCI_D3COLD)) yield* this.setPme(pdev, true);
    type.set(pdev, 'wakeup_prepared', 1);
    return 0;
  }

  /** pci_target_state(): the deepest state that the device can be woken from, where it is to wake. */
  private targetState(pdev: Ptr, wakeup: boolean): number {
    const type = this.k.struct('pci_dev');
    if (type.get(pdev, 'current_state') === PCI_D3COLD) return PCI_D3COLD;
    if (type.get(pdev, 'pm_cap') === 0) return PCI_D0;
    if (!wakeup || type.get(pdev, 'pme_support') === 0) return PCI_D3HOT;
    for (let state = PCI_D3HOT; state > PCI_D0; state--) if (this.canWakeFrom(pdev, state)) return state;
    return this.canWakeFrom(pdev, PCI_D0) ? PCI_D0 : PCI_D3HOT;
  }

  private *prepareToSleep(pdev: Ptr): Sleepable<number> {
    const wakeup = this.mayWake(pdev);
    const state = this.targetState(pdev, wakeup);
    yield* this.enableWake(pdev, state, wakeup);
    const error = yield* this.set(pdev, state);
    if (error !== 0) yield* this.enableWake(pdev, state, false);
    return error;
  }

  private *backFromSleep(pdev: Ptr): Sleepable<number> {
    const error = yield* this.set(pdev, PCI_D0);
    if (error !== 0) return error;
    yield* this.wake(pdev, PCI_D0, false);
    return 0;
  }

  /** pci_dev_run_wake(): nobody listens to bridges that tell of wake-ups. */
  private canWakeAtRunTime(pdev: Ptr): boolean {
    if (!this.k.struct('pci_dev').get(pdev, 'pme_support')) return false;
    if (!this.canWakeFrom(pdev, this.targetState(pdev, true))) return false;
    return this.k.struct('pci_dev').get(pdev, 'dev.power.can_wakeup') !== 0;
  }
}
