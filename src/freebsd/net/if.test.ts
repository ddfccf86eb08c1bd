import { describe, expect, it } from 'vitest';
import { EEXIST, EINVAL } from '../errno.js';
import { Mbufs } from '../kern/kern-mbuf.js';
import { WithModules } from '../testing/with-modules.js';
import { Ifnets } from './if.js';
import { IfClones } from './if-clone.js';
import { Vnet } from './vnet.js';

/** A kernel with the interfaces of ifmodbox.ko. */
function withInterfaces() {
  const machine = new WithModules('ifmodbox.ko');
  const file = machine.load('ifmodbox.ko');
  const { k } = machine;
  const create = (name: string) => machine.run(() => k.get(IfClones).createInterface(name));
  const named = (name: string) =>
    machine.run(function* () {
      const vnet = k.get(Vnet);
      return yield* vnet.within(
        vnet.vnet0,
        (function* () {
          yield { kind: 'yield' };
          return k.get(Ifnets).named(name);
        })(),
      );
    });
  return { machine, file, create, named };
}

describe('network interfaces', () => {
  it('the kernel has lo0', () => {
    const { named } = withInterfaces();
    expect(named('lo0')).toBeDefined();
  });

  it('a cloner makes them by name, with the lowest unit where none is said', () => {
    const { machine, create } = withInterfaces();
    expect(create('mbx')).toEqual({ error: 0, name: 'mbx0' });
    expect(create('mbx')).toEqual({ error: 0, name: 'mbx1' });
    expect(create('mbx7')).toEqual({ error: 0, name: 'mbx7' });
    expect(create('mbx7').error).toBe(EEXIST);
    expect(create('other0').error).toBe(EINVAL);
    expect(machine.log).toContain('mbx7: Ethernet address: 02:6d:62:78:00:07');
  });

  it('they go with their cloner', () => {
    const { machine, file, create, named } = withInterfaces();
    create('mbx');
    create('mbx');
    expect(machine.unload(file)).toBe(0);
    expect(named('mbx0')).toBeUndefined();
    expect(machine.faults).toEqual([]);
  });

  it('a packet that is sent and comes back to nobody is freed', () => {
    const { machine, create, named } = withInterfaces();
    create('mbx0');
    const ifp = named('mbx0') ?? 0;
    const { k } = machine;
    const net = k.struct('ifnet');
    const before = [...k.ledger.since(0)].length;
    machine.run(function* () {
      net.set(ifp, 'if_flags', net.get(ifp, 'if_flags') | k.macro('IFF_UP'));
      net.set(ifp, 'if_drv_flags', k.macro('IFF_DRV_RUNNING'));
      const m = yield* k.get(Mbufs).getcl(k.macro('M_WAITOK'), k.macro('MT_DATA'), k.macro('M_PKTHDR'));
      k.struct('mbuf').set(m, 'm_len', 60);
      k.struct('mbuf').set(m, 'm_pkthdr.len', 60);
      k.space.writable(k.struct('mbuf').get(m, 'm_data'), 60).fill(0);
      return yield* net.call(ifp, 'if_transmit', ifp, m);
    });
    expect([...k.ledger.since(0)].length).toBe(before);
    expect(machine.faults).toEqual([]);
  });

  it('a change of the link is told in the message buffer, once', () => {
    const { machine, create, named } = withInterfaces();
    create('mbx0');
    const ifp = named('mbx0') ?? 0;
    const { k } = machine;
    const set = (state: string): void => k.get(Ifnets).exports.if_link_state_change(ifp, k.macro(state));
    machine.run(function* () {
      set('LINK_STATE_UP');
      set('LINK_STATE_UP');
      yield { kind: 'yield' };
    });
    expect(machine.log.slice(-1)).toEqual(['mbx0: link state changed to UP']);
  });

  it('one that a module leaves attached is told of', () => {
    const machine = new WithModules('leakif.ko');
    expect(machine.unload(machine.load('leakif.ko'))).toBe(0);
    expect(machine.faults).toEqual([expect.stringContaining("left its network interface 'leakif0' behind")]);
  });
});
