import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { imageTarget } from '../../testing/targets.js';
import { type Guest, guest } from '../testing/guest.js';

const target = await imageTarget();

/** A device of no bus that is there. */
function registered({ k, call, struct }: Guest, name: string): Ptr {
  const device = struct.device();
  call.device_initialize(device);
  k.struct('device').set(device, 'init_name', k.constantString(name));
  k.struct('device').set(
    device,
    'release',
    k.exports.hostFunction(`${name}_release`, 'v:p', () => undefined),
  );
  expect(call.device_add(device)).toBe(0);
  return device;
}

describe.skipIf(target === undefined)('what powers and resets a device, as the target has it', () => {
  const machine = guest({}, target!);
  const { k, call, struct } = machine;
  const device = registered(machine, 'consumer');

  it('a regulator that nobody has described is a dummy: a machine with ACPI has described all', () => {
    const supply = k.constantString('vcc');
    const regulator = call.regulator_get(device, supply);
    expect(k.native?.use.subsystems).toContain('regulator');
    expect(call.regulator_enable(regulator)).toBe(0);
    expect(call.regulator_is_enabled(regulator)).toBe(1);
    expect(call.regulator_disable(regulator)).toBe(0);
    call.regulator_put(regulator);
    const log = k.log.linesFrom(0).join('\n');
    expect(log).toContain('supply vcc not found, using dummy regulator');
    expect(machine.reports()).toEqual([]);
  });

  it('operating points are found by their frequencies', () => {
    const frequency = k.permanent(8);
    for (const [hertz, microvolts] of [
      [100_000_000, 900_000],
      [200_000_000, 1_000_000],
    ])
      expect(call.dev_pm_opp_add(device, hertz, microvolts)).toBe(0);
    expect(call.dev_pm_opp_get_opp_count(device)).toBe(2);
    k.space.store64(frequency, 150_000_000n);
    const point = call.dev_pm_opp_find_freq_ceil(device, frequency);
    expect(k.space.load64(frequency)).toBe(200_000_000n);
    expect(call.dev_pm_opp_get_voltage(point)).toBe(1_000_000);
    call.dev_pm_opp_put(point);
    call.dev_pm_opp_remove_all_dynamic(device);
    expect(machine.reports()).toEqual([]);
  });

  it('a reset line is found by a table and pulled', () => {
    const pulled: string[] = [];
    const pull = (what: string) => (_controller: Ptr, line: number) => {
      pulled.push(`${what} ${line}`);
      return 0;
    };
    const ops = struct.reset_control_ops({
      assert: k.exports.hostFunction('test_assert', 'i:pu', pull('assert')),
      deassert: k.exports.hostFunction('test_deassert', 'i:pu', pull('deassert')),
    });
    const provider = registered(machine, 'provider');
    const controller = struct.reset_controller_dev({ ops, nr_resets: 4, dev: provider });
    expect(call.reset_controller_register(controller)).toBe(0);
    const lookup = struct.reset_control_lookup({
      provider: k.constantString('provider'),
      index: 2,
      dev_id: k.constantString('consumer'),
      con_id: k.constantString('core'),
    });
    call.reset_controller_add_lookup(lookup, 1);
    const control = call.__reset_control_get(device, k.constantString('core'), 0, 0, 0, 1);
    expect(call.reset_control_assert(control)).toBe(0);
    expect(call.reset_control_deassert(control)).toBe(0);
    call.reset_control_put(control);
    call.reset_controller_unregister(controller);
    expect(pulled).toEqual(['assert 2', 'deassert 2']);
    expect(machine.reports()).toEqual([]);
  });
});
