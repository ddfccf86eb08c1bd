import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
const PRIVATE_BYTES = 64;

describe.skipIf(target === undefined)('devlink, as the target has it', () => {
  it('makes an instance for a device, with room for its driver, registers it and takes it back', () => {
    const machine = guest({}, target!);
    const { k, call, struct } = machine;
    const device = struct.device();
    call.device_initialize(device);
    k.struct('device').set(device, 'init_name', k.constantString('nic'));
    k.struct('device').set(device, 'bus', k.symbol('platform_bus_type'));
    k.struct('device').set(
      device,
      'release',
      k.exports.hostFunction('nic_release', 'v:p', () => undefined),
    );
    expect(call.device_add(device)).toBe(0);
    const devlink = call.devlink_alloc_ns(struct.devlink_ops(), PRIVATE_BYTES, k.symbol('init_net'), device);
    expect(k.native?.use.subsystems).toContain('devlink');
    const own = call.devlink_priv(devlink);
    expect(call.priv_to_devlink(own)).toBe(devlink);
    expect(k.space.canWrite(own, PRIVATE_BYTES)).toBe(true);
    call.devlink_register(devlink);
    call.devl_lock(devlink);
    call.devl_unlock(devlink);
    call.devlink_unregister(devlink);
    call.devlink_free(devlink);
    expect(machine.reports()).toEqual([]);
  });
});
