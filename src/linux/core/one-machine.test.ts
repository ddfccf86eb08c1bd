import { describe, expect, it } from 'vitest';
import { guest } from '../testing/guest.js';

describe('a machine with one processor and one node of memory', () => {
  const { k, call, reports } = guest();

  it('stops, for a function, with interrupts off, and goes on with what that says', () => {
    const seen: boolean[] = [];
    const fn = k.exports.hostFunction('stopped', 'i:p', () => {
      seen.push(k.cpu.interruptsEnabled);
      return 7;
    });
    expect(call.stop_machine(fn, 0, 0)).toBe(7);
    expect(seen).toEqual([false]);
    expect(k.cpu.interruptsEnabled).toBe(true);
    expect(reports()).toEqual([]);
  });

  it('has all of its memory on the one node, which is where no other is', () => {
    expect(call.phys_to_target_node(0)).toBe(0);
    expect(call.phys_to_target_node(2 ** 40)).toBe(-1);
    expect([-1, 0, 3].map((node) => call.numa_map_to_online_node(node))).toEqual([-1, 0, 0]);
    expect(call.__node_distance(0, 0)).toBe(10);
  });

  it('calls addresses by their symbols', () => {
    const buffer = k.permanent(256);
    const length = call.sprint_symbol(buffer, k.fn('_printk'));
    expect(k.space.cstring(buffer)).toMatch(/^_printk\+0x0\/0x[0-9a-f]+$/);
    expect(length).toBe(k.space.cstring(buffer).length);
    call.sprint_symbol_no_offset(buffer, k.fn('_printk'));
    expect(k.space.cstring(buffer)).toBe('_printk');
  });

  it('panics in an interrupt that nobody can mask as elsewhere', () => {
    expect(() => call.nmi_panic(0, k.constantString('hard lockup'))).toThrow(
      'Kernel panic - not syncing: hard lockup',
    );
  });
});
