import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Alarm } from '../../../kernel/clock.js';
import { type Sleepable, yieldCpu } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { EACCES, EAGAIN, EBUSY, EINVAL, EIO, ENOSYS } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { deviceName, driverName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { getDevice, putDevice } from './device.js';
import { hasRuntime, reinitRuntime } from './power-fields.js';

/** Flags of runtime PM functions (include/linux/pm_runtime.h). */
export const RPM = { ASYNC: 1, NOWAIT: 2, GET_PUT: 4, AUTO: 8 } as const;

interface Request {
  readonly resumes: boolean;
  readonly work: () => Sleepable<number>;
}

type Callback = 'runtime_suspend' | 'runtime_resume' | 'runtime_idle';
type Status = 'RPM_ACTIVE' | 'RPM_RESUMING' | 'RPM_SUSPENDED' | 'RPM_SUSPENDING';

/**
 * Runtime power management (drivers/base/power/runtime.c, Documentation/power/runtime_pm.rst): usage counts,
 * the states a device goes through, its parent's part in them, autosuspend.
 */
export class RuntimePm implements Subsystem {
  readonly exports = {};
  private readonly device: StructType;
  private readonly timers = new Map<Ptr, Alarm>();
  /** The one request that each device may have on the pm workqueue; a newer one replaces it. */
  private readonly requests = new Map<Ptr, Request>();

  constructor(private readonly k: LinuxKernel) {
    this.device = k.struct('device');
  }

  /** pm_runtime_get() and put count uses; what they return is the count. */
  addUse(device: Ptr, by: number): number {
    if (!hasRuntime(this.k)) return 0;
    const at = this.device.addr(device, 'power.usage_count');
    const count = this.k.space.loadInt32(at) + by;
    this.k.space.store32(at, count);
    return count;
  }

  /** Drops a use: what is left, or -EINVAL with a complaint when there was none. */
  dropUse(device: Ptr): number {
    const left = this.addUse(device, -1);
    if (left >= 0) return left;
    this.addUse(device, 1);
    this.warn(device, 'Runtime PM usage count underflow!');
    return -EINVAL;
  }

  is(device: Ptr, status: Status): boolean {
    return this.device.get(device, 'power.runtime_status') === this.k.enumValue(status);
  }

  /** rpm_resume(): 1 if it was active already. */
  *resume(device: Ptr, flags: number): Sleepable<number> {
    const { device: type } = this;
    if (!hasRuntime(this.k)) return 1;
    if (type.get(device, 'power.runtime_error')) return -EINVAL;
    if (type.get(device, 'power.disable_depth') > 0) {
      const lastActive =
        !type.has('power.last_status') ||
        type.get(device, 'power.last_status') === this.k.enumValue('RPM_ACTIVE');
      return this.is(device, 'RPM_ACTIVE') && lastActive ? 1 : -EACCES;
    }
    this.cancelTimer(device);
    if (this.is(device, 'RPM_ACTIVE')) return 1;
    if (flags & RPM.ASYNC) {
      this.later(device, { resumes: true, work: () => this.resume(device, 0) });
      return 0;
    }
    const parent = type.get(device, 'parent');
    if (parent !== 0 && !type.get(device, 'power.irq_safe')) {
      this.addUse(parent, 1);
      if (type.get(parent, 'power.disable_depth') === 0 && !type.get(parent, 'power.ignore_children')) {
        yield* this.resume(parent, 0);
        if (!this.is(parent, 'RPM_ACTIVE')) {
          this.addUse(parent, -1);
          return -EBUSY;
        }
      }
    }
    this.set(device, 'RPM_RESUMING');
    const error = yield* this.call(device, 'runtime_resume');
    this.set(device, error ? 'RPM_SUSPENDED' : 'RPM_ACTIVE');
    if (error) type.set(device, 'power.runtime_error', error);
    else {
      this.markBusy(device);
      if (parent !== 0) this.addChild(parent, 1);
    }
    if (parent !== 0 && !type.get(device, 'power.irq_safe') && this.addUse(parent, -1) === 0 && error)
      yield* this.idle(parent, 0);
    if (error) return error;
    if (type.get(device, 'power.usage_count.counter') === 0) yield* this.idle(device, RPM.ASYNC);
    return 0;
  }

  /** rpm_suspend(): 1 if it was suspended already. */
  *suspend(device: Ptr, flags: number): Sleepable<number> {
    if (!hasRuntime(this.k)) return -ENOSYS;
    const { device: type } = this;
    const allowed = this.suspendAllowed(device);
    if (allowed !== 0) return allowed;
    if (this.is(device, 'RPM_RESUMING')) return -EAGAIN;
    if (flags & RPM.AUTO && type.get(device, 'power.use_autosuspend')) {
      const due = this.expiration(device);
      if (due > this.k.clock.now) {
        this.armTimer(device, due);
        return 0;
      }
    }
    this.cancelTimer(device);
    if (flags & RPM.ASYNC) {
      this.later(device, { resumes: false, work: () => this.suspend(device, flags & ~RPM.ASYNC) });
      return 0;
    }
    this.set(device, 'RPM_SUSPENDING');
    const error = yield* this.call(device, 'runtime_suspend');
    if (error) {
      this.set(device, 'RPM_ACTIVE');
      if (error !== -EAGAIN && error !== -EBUSY) type.set(device, 'power.runtime_error', error);
      return error;
    }
    this.set(device, 'RPM_SUSPENDED');
    const parent = type.get(device, 'parent');
    if (parent !== 0) {
      this.addChild(parent, -1);
      if (!type.get(parent, 'power.ignore_children')) yield* this.idle(parent, RPM.ASYNC);
    }
    return 0;
  }

  /** rpm_idle(): asks the driver, then suspends. */
  *idle(device: Ptr, flags: number): Sleepable<number> {
    if (!hasRuntime(this.k)) return -ENOSYS;
    const allowed = this.suspendAllowed(device);
    if (allowed < 0) return allowed;
    if (!this.is(device, 'RPM_ACTIVE')) return -EAGAIN;
    if (flags & RPM.ASYNC) {
      if (!this.requests.has(device))
        this.later(device, { resumes: false, work: () => this.idle(device, flags & ~RPM.ASYNC) });
      return 0;
    }
    const answer = yield* this.call(device, 'runtime_idle');
    return answer ? answer : yield* this.suspend(device, flags | RPM.AUTO);
  }

  /** pm_runtime_mark_last_busy() */
  markBusy(device: Ptr): void {
    this.device.set(device, 'power.last_busy', this.k.clock.now);
  }

  set(device: Ptr, status: Status): void {
    this.device.set(device, 'power.runtime_status', this.k.enumValue(status));
  }

  addChild(parent: Ptr, by: number): void {
    const at = this.device.addr(parent, 'power.child_count');
    this.k.space.store32(at, Math.max(0, this.k.space.loadInt32(at) + by));
  }

  /** When autosuspend may happen: nanoseconds since boot (pm_runtime_autosuspend_expiration). */
  expiration(device: Ptr): number {
    const delay = this.device.get(device, 'power.autosuspend_delay');
    if (!this.device.get(device, 'power.use_autosuspend') || delay < 0) return 0;
    return this.device.get(device, 'power.last_busy') + delay * 1e6;
  }

  cancelTimer(device: Ptr): void {
    const alarm = this.timers.get(device);
    if (!alarm) return;
    this.k.clock.cancel(alarm);
    this.timers.delete(device);
  }

  warn(device: Ptr, text: string): void {
    this.k.log.line(`${driverName(this.k, device)} ${deviceName(this.k, device)}: ${text}`, LOGLEVEL_WARNING);
  }

  private armTimer(device: Ptr, due: number): void {
    this.cancelTimer(device);
    const fire = (): void => {
      this.timers.delete(device);
      this.later(device, { resumes: false, work: () => this.suspend(device, RPM.AUTO) });
    };
    this.timers.set(device, this.k.clock.arm(due, fire));
  }

  /** rpm_check_suspend_allowed(): 0, 1 if suspended, or why not. */
  private suspendAllowed(device: Ptr): number {
    const { device: type } = this;
    if (type.get(device, 'power.runtime_error')) return -EINVAL;
    if (type.get(device, 'power.disable_depth') > 0) return -EACCES;
    if (type.get(device, 'power.usage_count.counter') > 0) return -EAGAIN;
    if (!type.get(device, 'power.ignore_children') && type.get(device, 'power.child_count.counter') > 0)
      return -EBUSY;
    return this.is(device, 'RPM_SUSPENDED') ? 1 : 0;
  }

  /** Puts a request on the pm workqueue; the device stays until it is done. */
  private later(device: Ptr, request: Request): void {
    const { k, requests } = this;
    const queued = requests.has(device);
    requests.set(device, request);
    if (queued) return;
    getDevice(k, device);
    const body = function* (): Sleepable<number> {
      const current = requests.get(device);
      requests.delete(device);
      if (current) yield* current.work();
      yield* putDevice(k, device);
      return 0;
    };
    k.processes.create('kworker/0:pm', body(), { kernelThread: true });
  }

  /** __pm_runtime_disable(): from now on nothing changes the device's state, and what was changing it has ended. */
  *disable(device: Ptr, resumeFirst: boolean): Sleepable<void> {
    const { device: type } = this;
    if (type.get(device, 'power.disable_depth') > 0) {
      type.set(device, 'power.disable_depth', type.get(device, 'power.disable_depth') + 1);
      return;
    }
    if (resumeFirst && this.requests.get(device)?.resumes) {
      this.addUse(device, 1);
      yield* this.resume(device, 0);
      this.addUse(device, -1);
    }
    type.set(device, 'power.disable_depth', 1);
    yield* this.settle(device, false);
    if (type.has('power.last_status'))
      type.set(device, 'power.last_status', type.get(device, 'power.runtime_status'));
  }

  /** __pm_runtime_barrier(): takes back what is pending, and waits for what is under way. True if a resume was pending. */
  *settle(device: Ptr, serve: boolean): Sleepable<boolean> {
    const resumes = this.requests.get(device)?.resumes ?? false;
    if (resumes && serve) yield* this.resume(device, 0);
    this.cancelTimer(device);
    this.requests.delete(device);
    while (this.is(device, 'RPM_RESUMING') || this.is(device, 'RPM_SUSPENDING')) yield* yieldCpu();
    return resumes;
  }

  /** pm_runtime_remove(): for a device that is being deleted. */
  *remove(device: Ptr): Sleepable<void> {
    if (!hasRuntime(this.k)) return;
    yield* this.disable(device, false);
    reinitRuntime(this.k, device);
  }

  /** The callback of domain, type, class or bus, whichever has PM operations first; else the driver's. */
  private *call(device: Ptr, name: Callback): Sleepable<number> {
    const { k, device: type } = this;
    if (type.get(device, 'power.no_callbacks')) return 0;
    const owners = [
      ['device_type', type.get(device, 'type')],
      ['class', type.get(device, 'class')],
      ['bus_type', type.get(device, 'bus')],
    ] as const;
    const domain = type.get(device, 'pm_domain');
    let ops = domain === 0 ? 0 : k.struct('dev_pm_domain').addr(domain, 'ops');
    for (const [struct, owner] of owners)
      if (ops === 0 && owner !== 0) ops = k.struct(struct).get(owner, 'pm');
    const driver = type.get(device, 'driver');
    const own = driver === 0 ? 0 : k.struct('device_driver').get(driver, 'pm');
    const operations = k.struct('dev_pm_ops');
    const table = [ops, own].find((one) => one !== 0 && operations.get(one, name) !== 0);
    const result = table === undefined ? 0 : yield* operations.call(table, name, device);
    return result === -EACCES ? -EIO : result;
  }
}
