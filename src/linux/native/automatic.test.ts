import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { imageTarget, newerImageTarget } from '../../testing/targets.js';
import { EBUSY, EEXIST, EINVAL, EOPNOTSUPP } from '../errno.js';
import { LinuxKernel } from '../kernel.js';
import { type Guest, guest } from '../testing/guest.js';
import { analysisOf } from './analysis.js';
import type { BootSubsystem } from './automatic.js';
import { trySetUp } from './coverage.js';
import { lowOf } from './places.js';

const target = await imageTarget();
const newer = await newerImageTarget();
/** GFP_KERNEL */
const KERNEL = 0xcc0;
const MS = 1e6;

const subsystemsOf = ({ k }: Guest): readonly string[] => k.native!.use.subsystems;
const text = ({ k }: Guest, characters: string): Ptr => k.constantString(characters);
/** Where a variable of the target is, without TypeScript taking it for its own as `k.symbol` does. */
const variable = ({ k }: Guest, name: string): Ptr => k.space.fromAddress(target!.exports.get(name)!.address);

function deviceOf({ k, call, struct }: Guest, name: string): Ptr {
  const device = struct.device();
  call.device_initialize(device);
  k.struct('device').set(device, 'init_name', k.constantString(name));
  expect(call.device_add(device)).toBe(0);
  return device;
}

describe.skipIf(target === undefined)('functions whose variables init calls set', () => {
  it('are set up for at the first call, by the init calls that set these variables and no others', () => {
    const machine = guest({}, target!);
    const { call, struct } = machine;
    expect(subsystemsOf(machine)).toEqual([]);
    const tree = struct.maple_tree();
    for (let i = 1; i <= 200; i++) expect(call.mtree_insert(tree, i * 10, 0x1000 + i * 8, KERNEL)).toBe(0);
    expect(subsystemsOf(machine)).toEqual(['maple_tree_init']);
    expect(call.mtree_load(tree, 500)).toBe(0x1000 + 50 * 8);
    expect(call.mtree_load(tree, 501)).toBe(0);
    expect(call.mtree_erase(tree, 500)).toBe(0x1000 + 50 * 8);
    expect(call.mtree_load(tree, 500)).toBe(0);
    expect(call.mtree_insert(tree, 510, 0x7000, KERNEL)).toBe(-EEXIST);
    call.mtree_destroy(tree);
    expect(machine.reports()).toEqual([]);
  });

  it('keep trees of numbers (btree_module_init)', () => {
    const machine = guest({}, target!);
    const { k, call, struct } = machine;
    const [head, key, geometry] = [struct.btree_head(), k.permanent(8), variable(machine, 'btree_geo64')];
    expect(call.btree_init(head)).toBe(0);
    for (let i = 1; i < 50; i++) {
      k.space.store64(key, BigInt(i));
      expect(call.btree_insert(head, geometry, key, 0x4000 + i * 8, KERNEL)).toBe(0);
    }
    k.space.store64(key, 7n);
    expect(call.btree_lookup(head, geometry, key)).toBe(0x4038);
    expect(call.btree_remove(head, geometry, key)).toBe(0x4038);
    expect(call.btree_lookup(head, geometry, key)).toBe(0);
    expect(subsystemsOf(machine)).toEqual(['btree_module_init']);
    expect(machine.reports()).toEqual([]);
  });

  it('wake by alarms (alarmtimer_init)', () => {
    const machine = guest({}, target!);
    const { k, call, struct, sleep } = machine;
    const alarm = struct.alarm();
    let fired = 0;
    const fire = (): number => {
      fired++;
      return 0;
    };
    call.alarm_init(alarm, 0, k.exports.hostFunction('test_alarm', 'i:pq', fire));
    call.alarm_start_relative(alarm, 5 * MS);
    sleep(4 * MS);
    expect(fired).toBe(0);
    sleep(2 * MS);
    expect(fired).toBe(1);
    call.alarm_start_relative(alarm, 5000 * MS);
    expect([call.alarm_try_to_cancel(alarm), call.alarm_cancel(alarm)]).toEqual([1, 0]);
    sleep(6000 * MS);
    expect(fired).toBe(1);
    expect(subsystemsOf(machine)).toContain('alarmtimer_init');
    expect(machine.reports()).toEqual([]);
  });

  it('call what a softirq is for (irq_poll_setup)', () => {
    const machine = guest({}, target!);
    const { k, call, struct, sleep } = machine;
    const poll = struct.irq_poll();
    let budget = 0;
    const handler = function* (iop: Ptr, weight: number): Sleepable<number> {
      budget = weight;
      yield* k.calls.call(k.fn('irq_poll_complete'), k.exports.signatureOf('irq_poll_complete'), [iop]);
      return 0;
    };
    call.irq_poll_init(poll, 8, k.exports.hostFunction('test_poll', 'i:pi', handler));
    call.irq_poll_sched(poll);
    sleep(MS);
    expect(budget).toBe(8);
    expect(subsystemsOf(machine)).toEqual(['irq_poll_setup']);
    expect(machine.reports()).toEqual([]);
  });

  it('register devices: pulse per second, random numbers, pulse width', () => {
    const machine = guest({}, target!);
    const { k, call, struct } = machine;
    const info = struct.pps_source_info({ mode: 0x1111 });
    k.space.storeCstring(k.struct('pps_source_info').addr(info, 'name'), 'test');
    const source = call.pps_register_source(info, 0x11);
    expect(k.struct('pps_device').get(source, 'id')).toBe(0);
    call.pps_unregister_source(source);
    const read = k.exports.hostFunction('test_read', 'i:ppub', () => 0);
    const generator = struct.hwrng({ name: text(machine, 'test-rng'), read });
    expect(call.hwrng_register(generator)).toBe(0);
    expect(call.hwrng_register(generator)).toBe(-EEXIST);
    call.hwrng_unregister(generator);

    const apply = k.exports.hostFunction('test_apply', 'i:ppp', () => 0);
    const chip = struct.pwm_chip({ dev: deviceOf(machine, 'pwm'), ops: struct.pwm_ops({ apply }), npwm: 2 });
    expect(call.pwmchip_add(chip)).toBe(0);
    const pwm = call.pwm_request_from_chip(chip, 1, text(machine, 'me'));
    expect(k.struct('pwm_device').get(pwm, 'hwpwm')).toBe(1);
    call.pwm_put(pwm);
    expect(subsystemsOf(machine)).toEqual(['pps_init', 'hwrng_modinit', 'pwm_sysfs_init']);
    expect(machine.reports()).toEqual([]);
  });

  it('log nothing of what a boot logs: "EDAC MC: Ver: 3.0.0"', () => {
    const machine = guest({}, target!);
    const { k, call } = machine;
    expect(call.edac_get_sysfs_subsys()).not.toBe(0);
    expect([call.edac_device_alloc_index(), call.edac_device_alloc_index()]).toEqual([0, 1]);
    expect(subsystemsOf(machine)).toEqual(['edac']);
    expect(k.log.linesFrom(0)).toEqual([]);
    expect(machine.reports()).toEqual([]);
  });

  it('find what is not there: batteries, clocks, blacklisted hashes', () => {
    const machine = guest({}, target!);
    const { k, call } = machine;
    expect(call.power_supply_get_by_name(text(machine, 'BAT0'))).toBe(0);
    expect(call.power_supply_is_system_supplied()).toBe(1);
    expect(call.rtc_class_open(text(machine, 'rtc9'))).toBe(0);
    expect(call.ptp_get_vclocks_index(3, k.permanent(8))).toBe(0);
    expect(call.is_hash_blacklisted(k.permanent(32), 32, 1)).toBe(0);
    expect(subsystemsOf(machine)).toEqual([
      'power_supply_class_init',
      'rtc_init',
      'ptp_init',
      'blacklist_init',
    ]);
    expect(machine.reports()).toEqual([]);
  });

  it('know constants of their own (mpi_init) and allocate from caches of their own (filelock_init)', () => {
    const machine = guest({}, target!);
    const { call } = machine;
    expect([1, 2, 3, 4].map((n) => call.mpi_cmp_ui(call.mpi_const(n), n))).toEqual([0, 0, 0, 0]);
    call.locks_free_lock(call.locks_alloc_lock());
    expect(subsystemsOf(machine)).toEqual(['mpi_init', 'filelock_init']);
    expect(machine.reports()).toEqual([]);
  });

  it('find a machine that is no guest of a hypervisor, and has no such hardware', () => {
    const machine = guest({}, target!);
    const { call, struct } = machine;
    const device = struct.xenbus_device({ nodename: text(machine, 'device/vif/0') });
    expect(call.xenbus_dev_is_online(device)).toBe(0);
    expect(subsystemsOf(machine)).toContain('xenbus_init');
    expect(call.amd_nb_num()).toBe(0);
    expect(machine.reports()).toEqual([]);
  });
});

describe.skipIf(target === undefined)('functions that keep data of their own', () => {
  it('run by themselves, from what the image has', () => {
    const machine = guest({}, target!);
    const { k, call, struct } = machine;
    const owner = k.permanent(8);
    const shadow = call.klp_shadow_alloc(owner, 7, 16, KERNEL, 0, 0);
    expect(call.klp_shadow_get(owner, 7)).toBe(shadow);
    call.klp_shadow_free(owner, 7, 0);
    expect(call.klp_shadow_get(owner, 7)).toBe(0);

    const set = struct.ioasid_set();
    const ids = [call.ioasid_alloc(set, 5, 9, 0x1000), call.ioasid_alloc(set, 5, 9, 0x2000)];
    expect(ids).toEqual([5, 6]);
    expect(call.ioasid_find(set, 6, 0)).toBe(0x2000);
    call.ioasid_free(5);
    expect([call.dma_fence_context_alloc(3), call.dma_fence_context_alloc(1)]).toEqual([1, 4]);

    expect(call.request_dma(3, text(machine, 'me'))).toBe(0);
    expect(call.request_dma(3, text(machine, 'you'))).toBe(-EBUSY);
    call.free_dma(3);
    expect(call.request_dma(3, text(machine, 'you'))).toBe(0);
    expect(subsystemsOf(machine)).toEqual([]);
    expect(machine.reports()).toEqual([]);
  });

  it('ask security modules, of which none is stacked', () => {
    const machine = guest({}, target!);
    const { k, call } = machine;
    expect(call.security_secid_to_secctx(1, 0, k.permanent(4))).toBe(-EOPNOTSUPP);
    expect(call.security_tun_dev_create()).toBe(0);
    expect(call.security_ismaclabel(text(machine, 'security.x'))).toBe(0);
    expect(machine.reports()).toEqual([]);
  });

  it('stop where a part of what TypeScript does otherwise works on the same data', () => {
    const machine = guest({}, target!);
    expect(() => machine.call.reuseport_alloc(machine.struct.sock(), 0)).toThrow(
      /keeps reuseport_ida, and so does reuseport_alloc, which is a part of what modbox does otherwise/,
    );
  });
});

describe.skipIf(target === undefined)('what does not come up', () => {
  const failureOf = (name: string): string | undefined => {
    const k = new LinuxKernel(target!);
    const { boot, graph } = analysisOf(target!.image!, k);
    const found = boot.functionAt(graph.placeAt(lowOf(target!.symbols.lookup(name)!.address)))!;
    const subsystem: BootSubsystem = { name, functions: /^$/, init: [name], boot: found };
    return trySetUp(k, subsystem);
  };

  it('is told of by name, with what stopped it', () => {
    expect(failureOf('chr_dev_init')).toMatch(/touches \w+, which modbox owns/);
  });

  it('is told of by the number that it returns', () => {
    // The bus that its driver is for is TypeScript's, and has no processors.
    expect(failureOf('acpi_processor_driver_init')).toBe(
      `native acpi_processor_driver_init: acpi_processor_driver_init(): it returns -${EINVAL}`,
    );
  });

  it('is told of again to who needs it later, and is not tried twice', () => {
    const machine = guest({}, target!);
    for (let i = 0; i < 2; i++)
      expect(() => machine.call.kd_mksound(440, 1)).toThrow(/touches \w+, which modbox owns/);
    expect(machine.reports().map(({ kind }) => kind)).toEqual([
      'unimplemented-export',
      'unimplemented-export',
    ]);
  });

  it('leaves a machine without native code as it is', () => {
    const machine = guest({ native: 'off' }, target!);
    expect(() => machine.call.mtree_load(machine.struct.maple_tree(), 1)).toThrow(
      'mtree_load is not implemented',
    );
  });
});

describe.skipIf(newer === undefined)("functions of 6.12's image", () => {
  it('are set up for from code in which a call that is patched lies on two pages', () => {
    const machine = guest({}, newer!);
    expect(machine.call.arch_is_platform_page(0)).toBe(0);
    expect(subsystemsOf(machine)).toEqual(['sgx_init']);
    expect(machine.reports()).toEqual([]);
  });
});
