import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { type Guest, guest } from '../../testing/guest.js';
import { lesserTarget } from '../../testing/lesser-target.js';
import { NetDevices } from './netdevices.js';

const EINVAL = 22;

describe('queues for sending', () => {
  let g: Guest;
  let lo: Ptr;
  let queue: Ptr;
  const state = (): number => g.k.struct('netdev_queue').get(queue, 'state');

  beforeAll(() => {
    g = guest();
    lo = g.k.get(NetDevices).named('lo');
    queue = g.k.struct('net_device').get(lo, '_tx');
  });

  it('are stopped all at once, and woken one by one', () => {
    g.call.netif_tx_stop_all_queues(lo);
    expect(state() & 1).toBe(1);
    g.call.netif_tx_wake_queue(queue);
    expect(state() & 1).toBe(0);
  });

  it('that are woken have their discipline run, once', () => {
    const qdisc = g.struct.Qdisc();
    const bit = 1 << g.k.enumValue('__QDISC_STATE_SCHED');
    g.call.__netif_schedule(qdisc);
    g.sleep(1e6);
    expect(g.k.struct('Qdisc').get(qdisc, 'state') & bit).toBe(0);
    expect(g.reports()).toEqual([]);
  });

  it('can be used as far as the device has them', () => {
    expect(g.call.netif_set_real_num_tx_queues(lo, 0)).toBe(-EINVAL);
    expect(g.call.netif_set_real_num_tx_queues(lo, 2)).toBe(-EINVAL);
    expect(g.call.netif_set_real_num_queues(lo, 1, 1)).toBe(0);
    expect(g.k.struct('net_device').get(lo, 'real_num_rx_queues')).toBe(1);
  });

  it('can be used where the kernel has one processor, which no map of processors is for', () => {
    const { k, call } = guest({}, lesserTarget({ members: ['net_device.xps_maps'] }));
    expect(call.netif_set_real_num_tx_queues(k.get(NetDevices).named('lo'), 1)).toBe(0);
  });
});
