import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { type Guest, guest } from '../../testing/guest.js';

const SECOND = 1e9;
const TAKEN = 1;

describe('links that come and go', () => {
  let g: Guest;
  let dev: Ptr;
  let told: number[];

  const state = (): number => g.k.struct('net_device').get(dev, 'operstate');
  const changes = (): number => told.filter((event) => event === g.k.enumValue('NETDEV_CHANGE')).length;

  beforeEach(() => {
    g = guest();
    const { k, call, struct } = g;
    dev = call.alloc_netdev_mqs(0, k.constantString('test0'), 1, k.fn('ether_setup'), 1, 1);
    k.struct('net_device').set(dev, 'netdev_ops', struct.net_device_ops());
    expect(call.register_netdev(dev)).toBe(0);
    call.rtnl_lock();
    expect(call.dev_open(dev, 0)).toBe(0);
    call.rtnl_unlock();
    told = [];
    const notifier_call = k.exports.hostFunction('test_notifier', 'i:pip', (_block: Ptr, event: number) => {
      told.push(event);
      return TAKEN;
    });
    expect(call.register_netdevice_notifier(struct.notifier_block({ notifier_call }))).toBe(0);
    told = [];
  });

  it('are told of, with the state that the device is in', () => {
    g.call.netif_carrier_off(dev);
    g.sleep(SECOND);
    expect([state(), changes()]).toEqual([g.k.enumValue('IF_OPER_DOWN'), 1]);
    g.sleep(2 * SECOND);
    g.call.netif_carrier_on(dev);
    g.sleep(SECOND);
    expect([state(), changes()]).toEqual([g.k.enumValue('IF_OPER_UP'), 2]);
    expect(g.reports()).toEqual([]);
  });

  it('are told of once a second at most: what came and went between is not', () => {
    for (let i = 0; i < 3; i++) {
      g.call.netif_carrier_off(dev);
      g.call.netif_carrier_on(dev);
    }
    g.sleep(SECOND / 100);
    expect(changes()).toBe(1);
    g.call.netif_carrier_off(dev);
    g.sleep(SECOND / 2);
    expect(changes()).toBe(1);
    g.sleep(SECOND);
    expect([state(), changes()]).toEqual([g.k.enumValue('IF_OPER_DOWN'), 2]);
  });

  it('of a device that goes are forgotten with it', () => {
    g.call.netif_carrier_off(dev);
    g.sleep(SECOND / 100);
    g.call.netif_carrier_on(dev);
    g.call.unregister_netdev(dev);
    g.sleep(3 * SECOND);
    expect(changes()).toBe(1);
    expect(g.reports()).toEqual([]);
  });
});
