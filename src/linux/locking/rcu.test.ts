import { beforeAll, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { type Guest, guest } from '../testing/guest.js';

let g: Guest;

beforeAll(() => {
  g = guest();
});

it('callbacks of call_rcu() are called, each with its head, before rcu_barrier() comes back', () => {
  const called: Ptr[] = [];
  const fn = g.k.exports.hostFunction('test_rcu', 'v:p', (head: Ptr) => void called.push(head));
  const heads = [g.struct.callback_head(), g.struct.callback_head()];
  for (const head of heads) g.call.call_rcu(head, fn);
  g.call.rcu_barrier();
  expect(called).toEqual(heads);
});

it('kvfree_call_rcu() frees the object round the head', () => {
  const object = g.k.slab.allocateBytes(64, true);
  g.call.kvfree_call_rcu(object + 16, object);
  g.call.rcu_barrier();
  expect(g.k.slab.objectFor(object)).toBeUndefined();
});

it('a grace period of SRCU that is polled ends by itself', () => {
  const srcu = g.struct.srcu_struct();
  g.call.init_srcu_struct(srcu);
  const cookie = g.call.start_poll_synchronize_srcu(srcu);
  g.sleep(1e6);
  expect(g.call.poll_state_synchronize_srcu(srcu, cookie)).toBe(1);
  const next = g.call.get_state_synchronize_srcu(srcu);
  expect(g.call.poll_state_synchronize_srcu(srcu, next)).toBe(0);
});

it('call_rcu() with an offset for a function frees: kfree_rcu() of kernels for one processor', () => {
  const object = g.k.slab.allocateBytes(64, true);
  g.call.call_rcu(object + 16, 16);
  g.call.rcu_barrier();
  expect(g.k.slab.objectFor(object)).toBeUndefined();
  expect(g.reports()).toEqual([]);
});
