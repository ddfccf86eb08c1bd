import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guest } from '../linux/testing/guest.js';
import { type Lacking, lesserTarget, withoutVersions } from '../linux/testing/lesser-target.js';
import { Machine } from '../machine/linux/machine.js';
import { runModule } from '../machine/linux/module-run.js';
import { ModuleFile } from '../portable.js';
import type { LinuxTarget } from '../target/index.js';

const MODULES = join(import.meta.dirname, '../../tests/modules');
const read = (name: string): Uint8Array => readFileSync(join(MODULES, `${name}.ko`));

function run(target: LinuxTarget, name: string, bytes = read(name)): ReturnType<typeof runModule> {
  const machine = Machine.boot({ target });
  const file = new ModuleFile(`${name}.ko`, bytes);
  return runModule(machine, { kind: 'file', file }, { now: () => 0, bootMs: 0 });
}

/** What two kernels of our own lacked that nobody had foreseen (docs/kernels.md), one by one. */
const CONFIGURATIONS: Readonly<Record<string, Lacking>> = {
  'power management': {
    options: { CONFIG_PM: undefined, CONFIG_PM_SLEEP: undefined },
    members: ['entry', 'runtime_status', 'disable_depth', 'usage_count', 'wait_queue'].map(
      (member) => `device.power.${member}`,
    ),
  },
  'memory nodes': { options: { CONFIG_NUMA: undefined }, members: ['device.numa_node'] },
  'network namespaces': {
    options: { CONFIG_NET_NS: undefined },
    members: ['net_device.nd_net.net', 'sock.__sk_common.skc_net.net'],
  },
  'a second processor': {
    options: { CONFIG_SMP: undefined },
    members: ['mount.mnt_pcp'],
    instead: { 'mount.mnt_count': 'mnt_group_id' },
  },
  tracing: {
    members: ['trace_array'],
    symbols: [
      'trace_array_put',
      'trace_array_get_by_name',
      'trace_array_destroy',
      'trace_array_set_clr_event',
    ],
  },
  'places of warnings': { members: ['bug_entry.file_disp', 'bug_entry.line'] },
  'symbols of data that nobody exports': {
    options: { CONFIG_KALLSYMS_ALL: undefined },
    symbols: ['_end', '__per_cpu_end', 'cpu_current_top_of_stack', 'noop_qdisc_ops', 'pcpu_hot'],
  },
  'RCU that is preemptible': {
    options: { CONFIG_PREEMPT_RCU: undefined },
    members: ['task_struct.rcu_read_lock_nesting'],
    symbols: ['__rcu_read_lock', '__rcu_read_unlock'],
  },
  'crypto built in': {
    options: {
      CONFIG_CRYPTO_ALGAPI2: 'm',
      CONFIG_CRYPTO_SKCIPHER2: 'm',
      CONFIG_CRYPTO_AEAD2: 'm',
      CONFIG_CRYPTO_HASH2: 'm',
    },
  },
};

describe('a kernel without', () => {
  for (const [what, lacking] of Object.entries(CONFIGURATIONS))
    it(`${what} boots, loads a device's driver and lets it go`, () => {
      const report = run(lesserTarget(lacking), 'chardev');
      expect(report.faults.map(({ message }) => message)).toEqual([]);
      expect([report.modprobe.exit, report.remove?.exit]).toEqual([0, 0]);
      expect(report.leftBehind).toEqual([]);
    });

  it('versions of symbols compares none', () => {
    const bytes = read('hello');
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    text.fill(0, text.indexOf('modversions '), text.indexOf('modversions ') + 'modversions '.length);
    const report = run(withoutVersions(), 'hello', bytes);
    expect(report.modprobe).toMatchObject({ exit: 0, stderr: [] });
  });

  it('places of warnings says where in the code they were', () => {
    const report = run(lesserTarget(CONFIGURATIONS['places of warnings']), 'faulty_warn');
    const head = report.dmesg.find((line) => line.startsWith('WARNING:'));
    expect(head).toMatch(/^WARNING: CPU: 0 PID: \d+ at \w+\+0x[0-9a-f]+\/0x[0-9a-f]+ \[faulty_warn\]$/);
  });
});

it('variables that say how far the boot came say that it is over', () => {
  const { k } = guest();
  expect(k.space.load8(k.symbol('static_key_initialized'))).toBe(1);
});
