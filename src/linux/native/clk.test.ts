import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();

const RATE = 48_000_000;

describe.skipIf(target === undefined)('clocks, as the target has them', () => {
  const machine = guest({}, target!);
  const { k, call } = machine;
  let fixed: Ptr;

  it('are set up at the first call', () => {
    fixed = call.clk_register_fixed_rate(0, k.constantString('osc'), 0, 0, RATE);
    expect(machine.reports()).toEqual([]);
    expect(k.native?.use.subsystems).toContain('clk');
    expect(call.clk_get_rate(fixed)).toBe(RATE);
  });

  it('divide what they come from', () => {
    const half = call.clk_register_fixed_factor(
      0,
      k.constantString('half'),
      k.constantString('osc'),
      0,
      1,
      2,
    );
    expect(call.clk_get_rate(half)).toBe(RATE / 2);
    expect(call.clk_is_match(call.clk_get_parent(half), fixed)).toBe(1);
    expect(call.clk_prepare(half)).toBe(0);
    expect(call.clk_enable(half)).toBe(0);
    call.clk_disable(half);
    call.clk_unprepare(half);
    call.clk_unregister_fixed_factor(half);
    expect(machine.reports()).toEqual([]);
  });

  it('are found by the names of who uses them', () => {
    expect(call.clk_register_clkdev(fixed, k.constantString('bus'), 0)).toBe(0);
    const found = call.clk_get_sys(0, k.constantString('bus'));
    expect(call.clk_get_rate(found)).toBe(RATE);
    call.clk_put(found);
    expect(machine.reports()).toEqual([]);
  });
});
