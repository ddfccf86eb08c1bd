import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { ptrErr } from '../errors.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
const ENOENT = 2;
const EPROBE_DEFER = 517;

describe.skipIf(target === undefined)('GPIO lines, as the target has them', () => {
  const machine = guest({}, target!);
  const { k, call, struct } = machine;

  it('are not there for a device that no firmware and no table describes', () => {
    const device = struct.device();
    call.device_initialize(device);
    call.dev_set_name(device, k.constantString('board'));
    expect(ptrErr(call.gpiod_get(device, k.constantString('reset'), 0))).toBe(-ENOENT);
    expect(call.gpiod_get_optional(device, k.constantString('reset'), 0)).toBe(0);
    expect(call.gpiod_count(device, k.constantString('reset'))).toBe(-ENOENT);
    expect(k.native?.use.subsystems).toContain('gpio');
    expect(machine.reports()).toEqual([]);
  });

  it('that nobody has brought yet may come', () => {
    expect(call.gpio_request(5, 0)).toBe(-EPROBE_DEFER);
    expect(call.gpiod_put(0)).toBe(0);
    expect(machine.reports()).toEqual([]);
  });
});
