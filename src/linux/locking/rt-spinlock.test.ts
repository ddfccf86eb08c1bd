import { afterEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { flavourTarget } from '../../testing/targets.js';
import { TASK_INTERRUPTIBLE, TASK_NORMAL, TASK_RUNNING } from '../abi/task-state.js';
import { Sched } from '../sched/core.js';
import { SoftirqQueue } from '../softirq-queue.js';
import { type Guest, guest } from '../testing/guest.js';
import { BottomHalves } from './bottom-halves.js';
import { Held } from './held.js';
import { RtSpinlocks } from './rt-spinlock.js';

const target = await flavourTarget('rt');
const READER_BIAS = 0x8000_0000 | 0;

describe.skipIf(target === undefined)('with PREEMPT_RT', () => {
  const g: Guest = target ? guest({}, target) : (undefined as never);
  const spinlock = (): Ptr => g.k.slab.allocateBytes(g.k.sizeOf('spinlock'), true);
  const rwlock = (): Ptr => g.k.slab.allocateBytes(g.k.sizeOf('rwlock_t'), true);
  const member = (name: string): number => g.k.struct('task_struct').get(g.k.current, name);
  const order: string[] = [];
  /** Another task, which runs when the calling one gives way. */
  const other = (name: string, body: () => Sleepable<void>): void =>
    void g.k.processes.create(name, body(), { kernelThread: true });
  function* take(lock: Ptr): Sleepable<void> {
    yield* g.k.wait<undefined>(g.k.get(RtSpinlocks).lock(lock));
  }

  afterEach(() => {
    expect(g.reports()).toEqual([]);
    order.length = 0;
  });

  describe('a spinlock', () => {
    it('leaves preemption and interrupts on, and keeps the task on its CPU', () => {
      const lock = spinlock();
      g.run(function* () {
        yield* take(lock);
        expect(g.k.processes.preemptCount).toBe(0);
        expect(g.k.cpu.interruptsEnabled).toBe(true);
        expect(member('migration_disabled')).toBe(1);
        expect(g.k.struct('rt_mutex_base').get(lock, 'owner')).toBe(g.k.current);
        g.k.get(RtSpinlocks).unlock(lock);
        expect(member('migration_disabled')).toBe(0);
        expect(g.k.struct('rt_mutex_base').get(lock, 'owner')).toBe(0);
      });
    });

    it('is taken by modules by its exports', () => {
      const lock = spinlock();
      g.call.rt_spin_lock(lock);
      expect(g.call.rt_spin_trylock(lock)).toBe(0);
      g.call.rt_spin_unlock(lock);
      expect(g.call.rt_spin_trylock(lock)).toBe(1);
      g.call.rt_spin_unlock(lock);
    });

    it('is slept for by others, first come, first served', () => {
      const lock = spinlock();
      g.call.rt_spin_lock(lock);
      for (const name of ['first', 'second'])
        other(name, function* () {
          yield* take(lock);
          order.push(name);
          g.k.get(RtSpinlocks).unlock(lock);
        });
      g.sleep(1e6);
      expect(order).toEqual([]);
      g.call.rt_spin_unlock(lock);
      g.sleep(1e6);
      expect(order).toEqual(['first', 'second']);
    });

    it('leaves the state that a task has set itself to, and wakings while it waits', () => {
      const lock = spinlock();
      g.call.rt_spin_lock(lock);
      let task = 0;
      other('sleeper', function* () {
        task = g.k.current;
        g.k.processes.setState(task, TASK_INTERRUPTIBLE);
        yield* take(lock);
        order.push(String(g.k.processes.stateOf(task)));
        g.k.get(RtSpinlocks).unlock(lock);
        g.k.processes.setState(task, TASK_RUNNING);
      });
      g.sleep(1e6);
      const wakeUp = (): number => g.k.get(Sched).wakeUp(task, TASK_NORMAL);
      expect(wakeUp()).toBe(1);
      expect(wakeUp()).toBe(0);
      g.call.rt_spin_unlock(lock);
      g.sleep(1e6);
      expect(order).toEqual([String(TASK_RUNNING)]);
    });

    it('is not for atomic context, where taking it may sleep', () => {
      const lock = spinlock();
      g.run(function* () {
        g.k.processes.preemptCount = 1;
        yield* take(lock);
        g.k.get(RtSpinlocks).unlock(lock);
        g.k.processes.preemptCount = 0;
      });
      const message = 'BUG: sleeping function called from invalid context at kernel/locking/spinlock_rt.c:48';
      expect(g.reports()).toMatchObject([{ kind: 'sleep-in-atomic', message }]);
    });

    it('does not forbid what may sleep, but giving up the CPU', () => {
      const lock = spinlock();
      const mutex = g.struct.mutex();
      g.call.rt_spin_lock(lock);
      g.call.mutex_lock(mutex);
      g.call.mutex_unlock(mutex);
      expect(g.reports()).toEqual([]);
      g.call.msleep(1);
      expect(g.reports()).toMatchObject([
        { message: 'Voluntary context switch within RCU read-side critical section!' },
      ]);
      g.call.rt_spin_unlock(lock);
    });

    it('that the task holds already is a deadlock', () => {
      const lock = spinlock();
      expect(() => g.run(() => twice(lock))).toThrow('the task takes a rt_spinlock that it holds already');
      expect(g.reports()).toMatchObject([{ kind: 'deadlock' }]);
    });

    function* twice(lock: Ptr): Sleepable<void> {
      yield* take(lock);
      yield* take(lock);
    }

    it('taken crosswise is a deadlock that is reported', () => {
      const [a, b] = [spinlock(), spinlock()];
      g.call.rt_spin_lock(a);
      other('crosswise', function* () {
        yield* take(b);
        yield* take(a);
      });
      g.sleep(1e6);
      expect(() => g.call.rt_spin_lock(b)).toThrow('deadlock');
      expect(g.reports()[0]).toMatchObject({ kind: 'deadlock' });
    });

    it('that is not held is nothing to give back', () => {
      g.call.rt_spin_unlock(spinlock());
      expect(g.reports()).toMatchObject([{ kind: 'lock-misuse' }]);
    });

    it('of an ended task is reported', () => {
      const lock = spinlock();
      other('forgetful', () => take(lock));
      g.sleep(1e6);
      expect(g.reports()[0].message).toMatch(/forgetful ended and still holds the rt_spinlock/);
      expect(g.k.get(Held).holders(lock)).toHaveLength(1);
    });
  });

  describe('a rwlock', () => {
    it('has a word that inlined code reads', () => {
      const lock = rwlock();
      const word = (): number => g.k.struct('rwlock_t').get(lock, 'rwbase.readers.counter');
      g.call.rt_read_lock(lock);
      g.call.rt_read_lock(lock);
      expect(word()).toBe(READER_BIAS + 2);
      expect(g.call.rt_write_trylock(lock)).toBe(0);
      g.call.rt_read_unlock(lock);
      g.call.rt_read_unlock(lock);
      expect(word()).toBe(READER_BIAS);
      g.call.rt_write_lock(lock);
      expect(word()).toBe(0x4000_0000);
      expect(g.call.rt_read_trylock(lock)).toBe(0);
      g.call.rt_write_unlock(lock);
      expect(word()).toBe(READER_BIAS);
    });

    it('lets a writer sleep until the last reader is gone', () => {
      const lock = rwlock();
      g.call.rt_read_lock(lock);
      g.call.rt_read_lock(lock);
      other('writer', function* () {
        yield* g.k.calls.throughCpu(g.k.fn('rt_write_lock'), g.k.exports.signatureOf('rt_write_lock'), [
          lock,
        ]);
        order.push('written');
        g.k.exports.functionAt(g.k.fn('rt_write_unlock'))!(...([lock] as never[]));
      });
      g.call.rt_read_unlock(lock);
      g.sleep(1e6);
      expect(order).toEqual([]);
      g.call.rt_read_unlock(lock);
      g.sleep(1e6);
      expect(order).toEqual(['written']);
    });
  });

  it('mutexes and rw_semaphores say in their words who has them', () => {
    const mutex = g.struct.mutex();
    g.call.__mutex_rt_init(mutex, 0, 0);
    g.run(function* () {
      yield* g.k.wait(g.k.exports.functionAt(g.k.fn('mutex_lock'))!(...([mutex] as never[])) as number);
      expect(g.k.struct('mutex').get(mutex, 'rtmutex.owner')).toBe(g.k.current);
    });
    g.call.mutex_unlock(mutex);
    const sem = g.struct.rw_semaphore();
    const word = (): number => g.k.struct('rw_semaphore').get(sem, 'rwbase.readers.counter');
    g.call.__init_rwsem(sem, 0, 0);
    expect(word()).toBe(READER_BIAS);
    g.call.down_write(sem);
    expect(word()).toBe(0x4000_0000);
    g.call.downgrade_write(sem);
    expect(word()).toBe(READER_BIAS + 1);
    g.call.up_read(sem);
    expect(word()).toBe(READER_BIAS);
  });

  describe('softirqs', () => {
    const raise = (name: string): void =>
      // biome-ignore lint/correctness/useYield: a job is a generator also where it never waits
      g.k.get(SoftirqQueue).raise(name, function* () {
        order.push(`${name} in ${g.k.executor.current?.name}`);
        expect(g.k.executor.current?.isInterrupt).toBe(false);
        expect(member('softirq_disable_cnt') & 0x100).toBe(0x100);
      });

    it('are served by a thread', () => {
      raise('job');
      g.sleep(1e6);
      expect(order).toEqual(['job in ksoftirqd/0']);
    });

    it('wait while a task has turned them off, which serves them when it turns them on', () => {
      const halves = g.k.get(BottomHalves);
      g.run(function* () {
        yield* g.k.wait<undefined>(halves.disable());
        yield* g.k.wait<undefined>(halves.disable());
        raise('job');
        yield* g.k.wait<undefined>(halves.enable());
        expect(order).toEqual([]);
        expect(member('softirq_disable_cnt')).toBe(0x200);
        yield* g.k.wait<undefined>(halves.enable());
        expect(order).toEqual(['job in test']);
        expect(member('softirq_disable_cnt')).toBe(0);
      });
    });

    it('are turned off by one task at a time', () => {
      const halves = g.k.get(BottomHalves);
      g.run(() => g.k.wait<undefined>(halves.disable()));
      other('second', function* () {
        yield* g.k.wait<undefined>(halves.disable());
        order.push('second');
        yield* g.k.wait<undefined>(halves.enable());
      });
      g.sleep(1e6);
      expect(order).toEqual([]);
      g.run(() => g.k.wait<undefined>(halves.enable()));
      g.sleep(1e6);
      expect(order).toEqual(['second']);
    });

    it('may take a spinlock that the interrupted task holds', () => {
      const lock = spinlock();
      g.call.rt_spin_lock(lock);
      g.k.get(SoftirqQueue).raise('job', function* () {
        yield* take(lock);
        order.push('has it');
        g.k.get(RtSpinlocks).unlock(lock);
      });
      g.sleep(1e6);
      expect(order).toEqual([]);
      g.call.rt_spin_unlock(lock);
      g.sleep(1e6);
      expect(order).toEqual(['has it']);
    });

    it('are no place to sleep', () => {
      g.k
        .get(SoftirqQueue)
        .raise(
          'sleepy',
          () =>
            g.k.calls.throughCpu(
              g.k.fn('msleep'),
              g.k.exports.signatureOf('msleep'),
              [1],
            ) as Sleepable<unknown>,
        );
      g.sleep(20e6);
      expect(g.reports().map(({ kind }) => kind)).toContain('sleep-in-atomic');
    });
  });
});
