import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { StructType } from '../../abi/struct.js';
import { EAGAIN, EBUSY, EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Devres } from './devres.js';
import { RPM, RuntimePm } from './pm-runtime.js';

/** The functions of runtime PM that drivers call (include/linux/pm_runtime.h). */
export class RuntimePmExports implements Subsystem {
  private readonly device: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.device = k.struct('device');
  }

  readonly exports = {
    __pm_runtime_resume: (device: Ptr, flags: number) => {
      if (flags & RPM.GET_PUT) this.rpm.addUse(device, 1);
      return this.rpm.resume(device, flags);
    },
    __pm_runtime_suspend: (device: Ptr, flags: number) => this.putThen(device, flags, 'suspend'),
    __pm_runtime_idle: (device: Ptr, flags: number) => this.putThen(device, flags, 'idle'),
    __pm_runtime_set_status: (device: Ptr, status: number) => this.setStatus(device, status),
    __pm_runtime_disable: (device: Ptr, resume: boolean) => this.rpm.disable(device, resume),
    pm_runtime_enable: (device: Ptr) => this.enable(device),
    devm_pm_runtime_enable: (device: Ptr) => this.enableManaged(device),
    pm_runtime_allow: (device: Ptr) => this.allow(device),
    pm_runtime_forbid: (device: Ptr) => this.forbid(device),
    pm_runtime_no_callbacks: (device: Ptr) => this.device.set(device, 'power.no_callbacks', 1),
    pm_runtime_irq_safe: (device: Ptr) => this.irqSafe(device),
    pm_runtime_barrier: (device: Ptr) => this.barrier(device),
    pm_runtime_set_autosuspend_delay: (device: Ptr, delay: number) =>
      this.autosuspend(device, { delay, use: this.device.get(device, 'power.use_autosuspend') !== 0 }),
    __pm_runtime_use_autosuspend: (device: Ptr, use: boolean) =>
      this.autosuspend(device, { delay: this.device.get(device, 'power.autosuspend_delay'), use }),
    pm_runtime_autosuspend_expiration: (device: Ptr) => this.rpm.expiration(device),
    pm_schedule_suspend: (device: Ptr) => this.rpm.suspend(device, RPM.ASYNC),
    pm_runtime_get_if_active: (device: Ptr, ignoreUse = true) => this.getIfActive(device, ignoreUse),
    pm_runtime_get_if_in_use: (device: Ptr) => this.getIfActive(device, false),
    pm_runtime_force_suspend: (device: Ptr) => this.forceSuspend(device),
    pm_runtime_force_resume: (device: Ptr) => this.forceResume(device),
    pm_runtime_set_memalloc_noio: (device: Ptr, enable: boolean) =>
      this.device.set(device, 'power.memalloc_noio', Number(enable)),
    pm_generic_runtime_suspend: (device: Ptr) => this.generic(device, 'runtime_suspend'),
    pm_generic_runtime_resume: (device: Ptr) => this.generic(device, 'runtime_resume'),
  };

  private get rpm(): RuntimePm {
    return this.k.get(RuntimePm);
  }

  private *putThen(device: Ptr, flags: number, then: 'suspend' | 'idle'): Sleepable<number> {
    if (flags & RPM.GET_PUT) {
      const left = this.rpm.dropUse(device);
      if (left !== 0) return Math.min(left, 0);
    }
    return yield* then === 'idle' ? this.rpm.idle(device, flags) : this.rpm.suspend(device, flags);
  }

  /** __pm_runtime_set_status(): only while runtime PM is disabled; a parent must be awake. */
  private *setStatus(device: Ptr, status: number): Sleepable<number> {
    const { k, device: type, rpm } = this;
    const active = status === k.enumValue('RPM_ACTIVE');
    if (!active && status !== k.enumValue('RPM_SUSPENDED')) return -EINVAL;
    if (type.get(device, 'power.disable_depth') === 0 && !type.get(device, 'power.runtime_error'))
      return -EAGAIN;
    const parent = type.get(device, 'parent');
    const wasActive = rpm.is(device, 'RPM_ACTIVE');
    if (parent !== 0 && active && !wasActive) {
      const asleep =
        type.get(parent, 'power.disable_depth') === 0 &&
        !type.get(parent, 'power.ignore_children') &&
        !rpm.is(parent, 'RPM_ACTIVE');
      if (asleep) {
        rpm.warn(device, 'runtime PM trying to activate child device but parent is not active');
        return -EBUSY;
      }
      rpm.addChild(parent, 1);
    } else if (parent !== 0 && !active && wasActive) rpm.addChild(parent, -1);
    rpm.set(device, active ? 'RPM_ACTIVE' : 'RPM_SUSPENDED');
    type.set(device, 'power.runtime_error', 0);
    if (parent !== 0 && !active && wasActive && !type.get(parent, 'power.ignore_children'))
      yield* rpm.idle(parent, RPM.ASYNC);
    return 0;
  }

  /** pm_runtime_barrier(): 1 if a request to resume was pending, which is served now. */
  private *barrier(device: Ptr): Sleepable<number> {
    this.rpm.addUse(device, 1);
    const resumed = yield* this.rpm.settle(device, true);
    this.rpm.addUse(device, -1);
    return Number(resumed);
  }

  private enable(device: Ptr): void {
    const { k, device: type } = this;
    const depth = type.get(device, 'power.disable_depth');
    if (depth === 0) {
      this.rpm.warn(device, 'Unbalanced pm_runtime_enable!');
      return;
    }
    type.set(device, 'power.disable_depth', depth - 1);
    if (depth > 1) return;
    if (type.has('power.last_status')) type.set(device, 'power.last_status', k.enumValue('RPM_INVALID'));
    const busyChildren =
      this.rpm.is(device, 'RPM_SUSPENDED') &&
      !type.get(device, 'power.ignore_children') &&
      type.get(device, 'power.child_count.counter') > 0;
    if (busyChildren) this.rpm.warn(device, 'Enabling runtime PM for inactive device with active children');
  }

  private enableManaged(device: Ptr): number {
    this.enable(device);
    const self = this;
    this.k.get(Devres).addHost(device, 0, function* () {
      yield* self.autosuspend(device, { delay: 0, use: false });
      yield* self.rpm.disable(device, true);
    });
    return 0;
  }

  private *allow(device: Ptr): Sleepable<void> {
    if (this.device.get(device, 'power.runtime_auto')) return;
    this.device.set(device, 'power.runtime_auto', 1);
    if (this.rpm.dropUse(device) === 0) yield* this.rpm.idle(device, RPM.AUTO | RPM.ASYNC);
  }

  private *forbid(device: Ptr): Sleepable<void> {
    if (!this.device.get(device, 'power.runtime_auto')) return;
    this.device.set(device, 'power.runtime_auto', 0);
    this.rpm.addUse(device, 1);
    yield* this.rpm.resume(device, 0);
  }

  private irqSafe(device: Ptr): void {
    const parent = this.device.get(device, 'parent');
    if (parent !== 0) this.rpm.addUse(parent, 1);
    this.device.set(device, 'power.irq_safe', 1);
  }

  /** update_autosuspend(): a negative delay keeps the device awake. */
  private *autosuspend(device: Ptr, next: { delay: number; use: boolean }): Sleepable<void> {
    const { device: type, rpm } = this;
    const before =
      type.get(device, 'power.use_autosuspend') && type.get(device, 'power.autosuspend_delay') < 0;
    type.set(device, 'power.autosuspend_delay', next.delay);
    type.set(device, 'power.use_autosuspend', Number(next.use));
    const now = next.use && next.delay < 0;
    if (now && !before) {
      rpm.addUse(device, 1);
      yield* rpm.resume(device, 0);
    } else if (!now) {
      if (before) rpm.addUse(device, -1);
      yield* rpm.idle(device, RPM.AUTO);
    }
  }

  private getIfActive(device: Ptr, ignoreUse: boolean): number {
    if (this.device.get(device, 'power.disable_depth') > 0) return -EINVAL;
    if (!this.rpm.is(device, 'RPM_ACTIVE')) return 0;
    if (!ignoreUse && this.device.get(device, 'power.usage_count.counter') === 0) return 0;
    this.rpm.addUse(device, 1);
    return 1;
  }

  private *forceSuspend(device: Ptr): Sleepable<number> {
    yield* this.rpm.disable(device, false);
    if (this.rpm.is(device, 'RPM_SUSPENDED')) return 0;
    const error = yield* this.generic(device, 'runtime_suspend');
    if (error) {
      this.enable(device);
      return error;
    }
    this.rpm.set(device, 'RPM_SUSPENDED');
    this.device.set(device, 'power.needs_force_resume', 1);
    return 0;
  }

  private *forceResume(device: Ptr): Sleepable<number> {
    if (this.rpm.is(device, 'RPM_SUSPENDED') && this.device.get(device, 'power.needs_force_resume')) {
      const error = yield* this.generic(device, 'runtime_resume');
      if (error === 0) this.rpm.set(device, 'RPM_ACTIVE');
    }
    this.device.set(device, 'power.needs_force_resume', 0);
    this.enable(device);
    return 0;
  }

  /** The driver's own callback. */
  private *generic(device: Ptr, name: 'runtime_suspend' | 'runtime_resume'): Sleepable<number> {
    const driver = this.device.get(device, 'driver');
    const pm = driver === 0 ? 0 : this.k.struct('device_driver').get(driver, 'pm');
    const type = this.k.struct('dev_pm_ops');
    return pm === 0 || type.get(pm, name) === 0 ? 0 : yield* type.call(pm, name, device);
  }
}
