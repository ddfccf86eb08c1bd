import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { LinuxKernel } from '../kernel.js';
import { analysisOf } from './analysis.js';
import { compareBoot } from './boot-code.js';
import { lowOf } from './places.js';

const target = await imageTarget();

describe.skipIf(target === undefined)('what an image runs at boot', () => {
  const { boot, graph } = analysisOf(target!.image!, new LinuxKernel(target!));
  const placeOf = (name: string): number => graph.placeAt(lowOf(target!.symbols.lookup(name)!.address));
  const settersOf = (variable: string): string[] =>
    boot.setAtBoot(placeOf(variable)).functions.map(({ name }) => name);
  const initcalls = boot.initcalls.map(({ name }) => name);

  it('has the init calls of its table, the early ones first, then level by level', () => {
    // /proc/kallsyms of Debian's kernel has 666 symbols __initcall__kmod_*.
    expect(initcalls).toHaveLength(666);
    expect(initcalls[0]).toBe('init_hw_perf_events');
    // early, core, postcore, arch, subsys, fs, rootfs, device, late
    const known = [
      'spawn_ksoftirqd',
      'regulator_init',
      'pci_driver_init',
      'pci_arch_init',
      'power_supply_class_init',
      'inet_init',
      'populate_rootfs',
      'alarmtimer_init',
      'clk_disable_unused',
    ];
    const positions = known.map((name) => initcalls.indexOf(name));
    expect(positions).not.toContain(-1);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
  });

  it('has what start_kernel calls before the init calls, in the order of its code', () => {
    const names =
      'signals_init pagecache_init security_init sched_clock_init maple_tree_init radix_tree_init';
    const functions = names.split(' ').map((name) => boot.functionAt(placeOf(name))!);
    const inOrder = [...functions].sort(compareBoot).map(({ name }) => name);
    expect(inOrder).toEqual(names.split(' ').reverse());
    for (const one of functions) expect(compareBoot(one, boot.initcalls[0])).toBeLessThan(0);
  });

  it('sets a variable by the init calls that write to it or hand its address on', () => {
    expect(settersOf('power_supply_class')).toEqual(['power_supply_class_init']);
    expect(settersOf('maple_node_cache')).toEqual(['maple_tree_init']);
    expect(settersOf('rtc_class')).toEqual(['rtc_init']);
  });

  it('does not set what only a boot parameter sets, or what boot code only reads', () => {
    // A parameter of the kernel itself, and one that panic= sets.
    expect(boot.setAtBoot(placeOf('initcall_debug'))).toEqual({ functions: [], others: [] });
    expect(boot.setAtBoot(placeOf('panic_timeout')).functions).toEqual([]);
  });

  it('sets the number of a network namespace part by who registers its operations', () => {
    expect(settersOf('fib_notifier_net_id')).toEqual(['fib_notifier_init']);
  });

  it('does not take the class of a lock, which has no bytes, for the variable at the same address', () => {
    // hwmon_init() and thermal_init() register classes with keys where thermal's governor is.
    const governor = placeOf('def_governor');
    expect(settersOf('def_governor')).toEqual([]);
    expect(boot.accesses.meansLockClass(placeOf('hwmon_init'), governor)).toBe(true);
    expect(boot.accesses.meansLockClass(placeOf('thermal_register_governor'), governor)).toBe(false);
  });

  it('registers callbacks that are told of things from then on', () => {
    const workers = boot.workersOn(placeOf('tracepoint_notify_list')).map(({ name }) => name);
    expect(workers).toEqual(['init_tracepoints']);
  });
});
