import type { Ptr } from '../../cpu/layout.js';
import { block, type Sleepable, yieldCpu } from '../../kernel/effects.js';
import { MAX_ROUNDS } from '../../kernel/task/scheduler.js';
import type { Task } from '../../kernel/task/task.js';
import { SOFTIRQ_DISABLE_OFFSET, SOFTIRQ_OFFSET } from '../abi/preempt-count.js';
import type { LinuxKernel } from '../kernel.js';
import { Sched } from '../sched/core.js';
import { type SoftirqJob, SoftirqQueue } from '../softirq-queue.js';
import type { Subsystem } from '../subsystem.js';
import { RtSpinlocks } from './rt-spinlock.js';

/**
 * local_bh_disable() and who serves softirqs (kernel/softirq.c). Without PREEMPT_RT preempt_count tells, and softirqs run on top of
 * the interrupted task. With it there is a lock for each CPU, which a task has that turned softirqs off, and which ksoftirqd takes to
 * serve them; both can be preempted.
 */
export class BottomHalves implements Subsystem {
  private readonly rt: RtSpinlocks | undefined;
  private readonly jobs: SoftirqJob[] = [];
  private thread: Task | undefined;
  /** softirq_ctrl.lock, and who has it. */
  private lock: Ptr = 0;
  private holder: Task | undefined;

  constructor(private readonly k: LinuxKernel) {
    this.rt = k.has(RtSpinlocks) ? k.get(RtSpinlocks) : undefined;
  }

  readonly exports = {
    __local_bh_disable_ip: (_ip: Ptr, count: number) => this.disable(count),
    __local_bh_enable_ip: (_ip: Ptr, count: number) => this.enable(count),
    _local_bh_enable: () => this.enable(SOFTIRQ_DISABLE_OFFSET),
    rt_spin_trylock_bh: (lock: Ptr) => this.trylock(lock),
  };

  readonly signatures = { __local_bh_enable_ip: 'v:pu' };

  boot(): void {
    const { k, rt } = this;
    if (!rt) return;
    this.lock = k.percpuSymbol('softirq_ctrl') + k.struct('softirq_ctrl').offsetOf('lock.lock');
    k.get(SoftirqQueue).thread = (job) => this.raise(job);
    k.processes.onExit((task) => {
      if (task === this.holder) this.leave(() => rt.abandon(this.lock));
    });
  }

  /** local_bh_disable(): with PREEMPT_RT it may sleep, the first time. */
  disable(count = SOFTIRQ_DISABLE_OFFSET): undefined | Sleepable<undefined> {
    const { k, rt } = this;
    if (!rt) {
      k.processes.preemptCount += count;
      return undefined;
    }
    if (this.count > 0 || this.isAtomic()) {
      this.count += count;
      return undefined;
    }
    return this.enter(rt, count);
  }

  /** local_bh_enable(): what was raised meanwhile is served now. */
  enable(count = SOFTIRQ_DISABLE_OFFSET): undefined | Sleepable<undefined> {
    const { k, rt } = this;
    if (!rt) {
      k.processes.preemptCount -= count;
      return undefined;
    }
    if (this.count < count) {
      k.traps.complain('lock-misuse', 'BUG: local_bh_enable() without local_bh_disable()', k.current);
      return undefined;
    }
    if (this.count === count && this.jobs.length > 0 && !this.isAtomic()) return this.serveAndEnable(rt);
    this.count -= count;
    if (this.count === 0) this.exit(rt);
    return undefined;
  }

  // structs: task_struct.softirq_disable_cnt with PREEMPT_RT.
  /** What softirq_count() is with PREEMPT_RT. */
  private get count(): number {
    return this.k.struct('task_struct').get(this.k.current, 'softirq_disable_cnt');
  }

  private set count(value: number) {
    this.k.struct('task_struct').set(this.k.current, 'softirq_disable_cnt', value);
  }

  private isAtomic(): boolean {
    const { k } = this;
    return k.processes.preemptCount !== 0 || !k.cpu.interruptsEnabled || !!k.executor.current?.isInterrupt;
  }

  private *enter(rt: RtSpinlocks, count: number): Sleepable<undefined> {
    yield* this.k.wait<undefined>(rt.lock(this.lock, 'local_lock'));
    this.k.get(Sched).pin(1);
    this.holder = this.k.executor.current;
    this.count = count;
    return undefined;
  }

  private exit(rt: RtSpinlocks): void {
    if (this.holder !== this.k.executor.current) return;
    this.leave(() => rt.unlock(this.lock, 'local_lock'));
    this.k.get(Sched).pin(-1);
  }

  private leave(unlock: () => void): void {
    this.holder = undefined;
    unlock();
  }

  private *serveAndEnable(rt: RtSpinlocks): Sleepable<undefined> {
    this.count = SOFTIRQ_OFFSET;
    yield* this.serve();
    this.count = 0;
    this.exit(rt);
    return undefined;
  }

  private trylock(lock: Ptr): number | Sleepable<number> {
    const { rt } = this;
    return rt ? this.trylockWithoutSoftirqs(rt, lock) : 0;
  }

  private *trylockWithoutSoftirqs(rt: RtSpinlocks, lock: Ptr): Sleepable<number> {
    yield* this.k.wait<undefined>(this.disable());
    if (rt.trylock(lock)) return 1;
    yield* this.k.wait<undefined>(this.enable());
    return 0;
  }

  private raise(job: SoftirqJob): void {
    const { k } = this;
    this.jobs.push(job);
    if (!this.thread || this.thread.ended)
      this.thread = k.processes.create('ksoftirqd/0', this.run(), { kernelThread: true });
    else k.scheduler.wake(this.thread);
  }

  private *run(): Sleepable<void> {
    const { k } = this;
    for (;;) {
      while (this.jobs.length > 0) {
        yield* k.wait<undefined>(this.disable(SOFTIRQ_OFFSET));
        yield* this.serve();
        this.count = 0;
        this.exit(this.rt!);
        if (this.jobs.length > 0) yield* yieldCpu();
      }
      yield* block();
    }
  }

  private *serve(): Sleepable<void> {
    for (let round = 0; round < MAX_ROUNDS && this.jobs.length > 0; round++)
      for (const { body } of this.jobs.splice(0)) yield* body();
  }
}
