import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { type Guest, guest } from '../testing/guest.js';
import { Held } from './held.js';

let g: Guest;
let held: Held;
let mutex: Ptr;
let sem: Ptr;

beforeAll(() => {
  g = guest();
  held = g.k.get(Held);
});

beforeEach(() => {
  g.reports();
  mutex = g.struct.mutex();
  sem = g.struct.rw_semaphore();
  g.call.__mutex_init(mutex, 0, 0);
  g.call.__init_rwsem(sem, 0, 0);
});

/** Another task, that calls exports as guest code does, and gives way after each. */
function task(name: string, calls: readonly (readonly [fn: string, lock: Ptr])[]): Task {
  const { k } = g;
  const root = function* (): Sleepable<void> {
    for (const [fn, lock] of calls) {
      yield* k.calls.throughCpu(k.fn(fn), k.exports.signatureOf(fn), [lock]);
      yield { kind: 'yield' };
    }
  };
  return k.processes.create(name, root());
}

const kinds = (lock: Ptr): string[] =>
  held
    .holders(lock)
    .map(({ task: holder, lockKind, shared }) => `${holder?.name} ${lockKind}${shared ? ' shared' : ''}`);

describe('held locks', () => {
  it('are those of a task in the order in which it took them, with how', () => {
    const spin = g.struct.raw_spinlock();
    g.call.mutex_lock(mutex);
    g.call.down_read(sem);
    g.call._raw_spin_trylock(spin);
    const [{ task: me }] = held.holders(mutex);
    expect(held.of(me!).map(({ lockKind, shared, tried }) => [lockKind, shared, tried])).toEqual([
      ['mutex', false, false],
      ['rw_semaphore', true, false],
      ['spinlock', false, true],
    ]);
    g.call._raw_spin_unlock(spin);
    g.call.mutex_unlock(mutex);
    expect(held.of(me!).map(({ lock }) => lock)).toEqual([sem]);
    g.call.up_read(sem);
    expect([held.of(me!), held.holders(mutex), held.holders(sem)]).toEqual([[], [], []]);
    expect(g.reports()).toEqual([]);
  });

  it('are held by several readers, or by a writer that goes on as one of them', () => {
    g.call.down_write(sem);
    expect(kinds(sem)).toEqual(['test rw_semaphore']);
    g.call.downgrade_write(sem);
    const reader = task('reader', [
      ['down_read', sem],
      ['up_read', sem],
    ]);
    g.k.scheduler.run(() => held.holders(sem).length > 1);
    expect(kinds(sem)).toEqual(['test rw_semaphore shared', 'reader rw_semaphore shared']);
    g.sleep(1e6);
    expect([reader.state, kinds(sem)]).toEqual(['finished', ['test rw_semaphore shared']]);
    g.call.up_read(sem);
    expect(held.holders(sem)).toEqual([]);
  });

  it('are nobody’s where the lock is set up anew, or given back by another task', () => {
    g.call.mutex_lock(mutex);
    const [{ task: me }] = held.holders(mutex);
    g.call.__mutex_init(mutex, 0, 0);
    expect([held.of(me!), held.holders(mutex)]).toEqual([[], []]);
    g.call.down_read(sem);
    task('helper', [['up_read', sem]]);
    g.sleep(1e6);
    expect([held.of(me!), held.holders(sem)]).toEqual([[], []]);
  });

  it('of RCU are sections within sections', () => {
    g.call.__rcu_read_lock();
    g.call.__rcu_read_lock();
    expect(kinds(0)).toEqual(['test rcu shared', 'test rcu shared']);
    task('reader', [['__rcu_read_lock', 0]]);
    g.k.scheduler.run(() => held.holders(0).length > 2);
    expect(kinds(0)).toEqual(['test rcu shared', 'test rcu shared', 'reader rcu shared']);
    g.sleep(1e6);
    g.call.__rcu_read_unlock();
    expect(kinds(0)).toEqual(['test rcu shared']);
    g.call.__rcu_read_unlock();
    expect(held.holders(0)).toEqual([]);
  });

  it('are told to who listens, as they are taken and given back', () => {
    const told: unknown[] = [];
    const end = g.k.probes.subscribe(
      ['acquired', 'released'],
      ({ kind, lockKind, shared, tried, task: by }) => told.push([kind, lockKind, shared, tried, by?.name]),
    );
    g.call.mutex_trylock(mutex);
    g.call.mutex_trylock(mutex);
    g.call.mutex_unlock(mutex);
    g.call.down_read(sem);
    g.call.up_read(sem);
    g.call.down(g.struct.semaphore({ count: 1 }));
    end();
    expect(told).toEqual([
      ['acquired', 'mutex', false, true, 'test'],
      ['released', 'mutex', false, true, 'test'],
      ['acquired', 'rw_semaphore', true, false, 'test'],
      ['released', 'rw_semaphore', true, false, 'test'],
      ['acquired', 'semaphore', false, false, 'test'],
    ]);
  });
});

describe('a circle of waiting tasks', () => {
  it('is found across mutexes and rw_semaphores, and through readers', () => {
    task('one', [
      ['mutex_lock', mutex],
      ['down_write', sem],
    ]);
    task('two', [
      ['down_read', sem],
      ['mutex_lock', mutex],
    ]);
    g.sleep(1e6);
    expect(g.reports().map(({ kind, message }) => [kind, message.replace(/0x[0-9a-f]+/g, 'X')])).toEqual([
      [
        'deadlock',
        'modbox: deadlock: two waits for the mutex at X, which one holds, one waits for the rw_semaphore at X, which two holds',
      ],
    ]);
  });

  it('is a task alone that reads and wants to write', () => {
    task('upgrader', [
      ['down_read', sem],
      ['down_write', sem],
    ]);
    g.sleep(1e6);
    expect(g.reports().map(({ message }) => message)).toEqual([
      expect.stringMatching(/upgrader waits for the rw_semaphore at \S+, which upgrader holds$/),
    ]);
  });

  it('is none where who holds the lock waits for something else, or is no more', () => {
    const other = g.struct.mutex();
    g.call.__mutex_init(other, 0, 0);
    task('ends', [['mutex_lock', other]]);
    task('one', [
      ['mutex_lock', mutex],
      ['mutex_lock', other],
    ]);
    task('two', [['mutex_lock', mutex]]);
    g.sleep(1e6);
    expect(g.reports().filter(({ kind }) => kind === 'deadlock')).toEqual([]);
  });
});

describe('a module that goes', () => {
  it('is told of sleeping locks that somebody has who lives on, and of no others', () => {
    const spin = g.struct.raw_spinlock();
    const left = (): unknown[] => [...held.holds()].map(({ kind, at }) => [kind, at]);
    g.call.mutex_lock(mutex);
    g.call._raw_spin_lock(spin);
    expect(left()).toEqual(expect.arrayContaining([['held mutex', mutex]]));
    expect(left()).not.toContainEqual(['held spinlock', spin]);
    g.call._raw_spin_unlock(spin);
    g.call.mutex_unlock(mutex);
    expect(left()).not.toContainEqual(['held mutex', mutex]);
  });
});

describe('a task that ends', () => {
  it('is reported for the sleeping locks that it still holds', () => {
    task('forgetful', [
      ['mutex_lock', mutex],
      ['down_read', sem],
    ]);
    g.sleep(1e6);
    expect(g.reports().map(({ kind, message }) => [kind, message.replace(/0x[0-9a-f/x+]+/g, 'X')])).toEqual([
      ['lock-misuse', expect.stringContaining('forgetful ended and still holds the mutex at X')],
      ['lock-misuse', expect.stringContaining('forgetful ended and still holds the rw_semaphore at X')],
    ]);
  });

  it('is not for semaphores, which anybody may count up, nor where nothing is left', () => {
    const counting = g.struct.semaphore({ count: 1 });
    task('tidy', [
      ['down', counting],
      ['mutex_lock', mutex],
      ['mutex_unlock', mutex],
    ]);
    g.sleep(1e6);
    expect(g.reports()).toEqual([]);
  });
});

describe('a spinlock or rwlock that is taken twice', () => {
  it('names who has it', () => {
    const lock = g.struct.rwlock_t();
    g.call._raw_read_lock(lock);
    expect(() => g.call._raw_write_lock(lock)).toThrow(
      /rwlock recursion on CPU#0, test\/\d+ \(held by test\/\d+\)/,
    );
  });
});
