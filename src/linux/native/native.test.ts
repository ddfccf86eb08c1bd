import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { loadBundled } from '../../target/node/index.js';
import { imageTarget } from '../../testing/targets.js';
import { type Guest, guest } from '../testing/guest.js';

const target = await imageTarget();

describe.skipIf(target === undefined)('functions that only the target itself has', () => {
  const booted = (): Guest => guest({}, target!);
  const text = ({ k }: Guest, characters: string): Ptr => k.constantString(characters);

  it('run as the image has them, at their own addresses', () => {
    const machine = booted();
    const { k, call } = machine;
    const out = k.permanent(64);
    call.base64_encode(text(machine, 'hello'), 5, out);
    expect(k.space.cstring(out)).toBe('aGVsbG8=');
    const back = k.permanent(64);
    expect(call.base64_decode(out, 8, back)).toBe(5);
    expect(k.space.cstring(back)).toBe('hello');
    expect(machine.reports()).toEqual([]);
  });

  it('call functions that TypeScript has, which take their place at their addresses', () => {
    const { k, call, reports } = booted();
    const [out, map] = [k.permanent(256), k.permanent(8)];
    k.space.store64(map, 0xff0fn);
    call.bitmap_print_list_to_buf(out, map, 64, 0, 200);
    expect(k.space.cstring(out)).toBe('0-3,8-15\n');
    expect(reports()).toEqual([]);
  });

  it('warn as they do in a kernel, and go on', () => {
    const { call, reports } = booted();
    call.iosf_mbi_assert_punit_acquired();
    expect(reports()).toMatchObject([
      { kind: 'warning', message: expect.stringContaining('at arch/x86/platform/intel/iosf_mbi.c:') },
    ]);
  });

  it('are told of, those that were called', () => {
    const { k, call } = booted();
    expect(k.native?.use).toEqual({ subsystems: [], functions: [] });
    call.rtc_month_days(1, 2024);
    expect(k.native?.use.functions).toEqual(['rtc_month_days']);
  });

  it('stop by name where they touch what TypeScript has', () => {
    const machine = booted();
    expect(() => machine.call.ktime_get_resolution_ns()).toThrow(/not implemented/);
    expect(machine.k.traps.unimplemented[0].why).toMatch(/touches \w+, which modbox owns/);
  });

  it('stop by name where they look at a member that TypeScript does not keep', () => {
    const machine = booted();
    expect(() => machine.call.__netdev_watchdog_up(machine.struct.net_device())).toThrow(/not implemented/);
    expect(machine.k.traps.unimplemented).toMatchObject([
      {
        symbol: '__netdev_watchdog_up',
        why: '__netdev_watchdog_up looks at net_device.watchdog_timer, which modbox does not keep',
      },
    ]);
  });

  it('run the same in machine after machine', () => {
    for (let i = 0; i < 2; i++) expect(booted().call.rtc_month_days(1, 2023)).toBe(28);
  });

  it('do not run where that is turned off', () => {
    const machine = guest({ native: 'off' }, target!);
    expect(() => machine.call.rtc_month_days(1, 2024)).toThrow('rtc_month_days is not implemented');
    expect(machine.k.native).toBeUndefined();
  });

  it('are not there for a target without an image', () => {
    const machine = guest({}, loadBundled());
    expect(() => machine.call.rtc_month_days(1, 2024)).toThrow('rtc_month_days is not implemented');
  });
});
