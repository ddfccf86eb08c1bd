import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { type Guest, guest } from '../testing/guest.js';
import { Mutexes } from './mutex.js';

let g: Guest;
let mutex: Ptr;

beforeAll(() => {
  g = guest();
});

beforeEach(() => {
  g.reports();
  mutex = g.struct.mutex();
  g.call.__mutex_init(mutex, 0, 0);
});

/** Another task that takes the mutex, and gives it back once `until` says so. */
function holder(until: () => boolean): void {
  const { k } = g;
  const root = function* (): Sleepable<void> {
    yield* k.get(Mutexes).lock(mutex);
    while (!until()) yield { kind: 'yield' };
    k.get(Mutexes).unlock(mutex);
  };
  k.processes.create('holder', root());
}

describe('a wound/wait mutex', () => {
  it('tells who comes again by the same context that he has it, and counts what a context holds', () => {
    const { call, k, struct } = g;
    const lock = struct.ww_mutex();
    const context = struct.ww_acquire_ctx();
    call.__mutex_init(k.struct('ww_mutex').addr(lock, 'base'), 0, 0);
    expect(call.ww_mutex_lock(lock, context)).toBe(0);
    expect(call.ww_mutex_lock(lock, context)).toBe(-114);
    expect(k.struct('ww_acquire_ctx').get(context, 'acquired')).toBe(1);
    call.ww_mutex_unlock(lock);
    expect(k.struct('ww_acquire_ctx').get(context, 'acquired')).toBe(0);
    expect(k.struct('ww_mutex').get(lock, 'ctx')).toBe(0);
    expect(g.reports()).toEqual([]);
  });
});

describe('a mutex', () => {
  it('is held by who locked it, and nobody else gets it', () => {
    g.call.mutex_lock(mutex);
    expect([g.call.mutex_is_locked(mutex), g.call.mutex_trylock(mutex)]).toEqual([1, 0]);
    g.call.mutex_unlock(mutex);
    expect([g.call.mutex_is_locked(mutex), g.call.mutex_trylock(mutex)]).toEqual([0, 1]);
    g.call.mutex_unlock(mutex);
    expect(g.reports()).toEqual([]);
  });

  it('has its owner in its owner word, as inlined code looks for it', () => {
    g.call.mutex_lock(mutex);
    const owner = g.k.struct('mutex').getBig(mutex, 'owner.counter');
    expect(g.k.struct('task_struct').text(g.k.space.fromAddress(owner & ~7n), 'comm')).toBe('test');
    g.call.mutex_unlock(mutex);
  });

  it('is waited for until its holder gives it back', () => {
    let done = false;
    holder(() => done);
    g.sleep(1e6);
    expect(g.call.mutex_trylock(mutex)).toBe(0);
    done = true;
    g.call.mutex_lock(mutex);
    expect(g.call.mutex_is_locked(mutex)).toBe(1);
    g.call.mutex_unlock(mutex);
    expect(g.reports()).toEqual([]);
  });

  it('that a task locks twice ends the task, which would wait for itself for ever', () => {
    g.call.mutex_lock(mutex);
    expect(() => g.call.mutex_lock(mutex)).toThrow(/mutex_lock of a mutex that the task holds already/);
    expect(g.reports().map(({ kind }) => kind)).toEqual(['deadlock']);
  });

  it('that nobody holds, or another task, is not to be unlocked', () => {
    g.call.mutex_unlock(mutex);
    let done = false;
    holder(() => done);
    g.sleep(1e6);
    g.call.mutex_unlock(mutex);
    done = true;
    expect(g.reports().map(({ message }) => message)).toEqual([
      'BUG: mutex_unlock of a mutex that is not locked',
      'BUG: mutex_unlock of a mutex held by another task',
    ]);
  });

  it('of a counter is taken where the counter falls to zero, and not before', () => {
    const counter = g.k.slab.allocateBytes(4, true);
    g.k.space.store32(counter, 2);
    expect([g.call.atomic_dec_and_mutex_lock(counter, mutex), g.call.mutex_is_locked(mutex)]).toEqual([0, 0]);
    expect([g.call.atomic_dec_and_mutex_lock(counter, mutex), g.call.mutex_is_locked(mutex)]).toEqual([1, 1]);
    g.call.mutex_unlock(mutex);
  });
});
