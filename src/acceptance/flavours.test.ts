import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiskFiles } from '../kmod/node/disk-files.js';
import { Machine } from '../machine/linux/machine.js';
import { runModule } from '../machine/linux/module-run.js';
import { DiskIndexCache } from '../machine/linux/node/index-cache.js';
import type { LinuxTarget } from '../target/index.js';
import { type Flavour, flavourTree } from '../testing/corpus.js';
import { flavourTarget } from '../testing/targets.js';

/** Modules of each configuration, and what they need of it. */
const MODULES: Readonly<Record<Flavour, Readonly<Record<string, string>>>> = {
  cloud: {
    'device mapper': 'dm-mod',
    'connections, whose tables are of pages': 'nf_conntrack',
    'a bus that is a module here': 'virtio_net',
    'a file system on crypto': 'btrfs',
    'a tunnel': 'vxlan',
  },
  rt: {
    'rw_semaphores and mutexes': 'dm-mod',
    'spinlocks for buckets, timers': 'nf_conntrack',
    'work and kernel threads': 'raid456',
    'raw spinlocks': 'kvm',
    'network devices': '8021q',
    'GPIO and I2C': 'gpio-viperboard',
    'a list that idr_preload() guards': 'sch_htb',
  },
};

const EXTRA = join(import.meta.dirname, '../../tests/modules/rt/rtlocks.ko');

for (const flavour of ['cloud', 'rt'] as const) {
  const tree = await flavourTree(flavour);
  const target = await flavourTarget(flavour);
  describe.skipIf(tree === undefined || target === undefined)(`Debian’s kernel for ${flavour} has`, () => {
    for (const [what, name] of Object.entries(MODULES[flavour]))
      it(`${what}: ${name}`, () => {
        const files = new DiskFiles(tree!);
        const machine = Machine.boot({ target: target!, files, indexCache: new DiskIndexCache() });
        const report = runModule(machine, { kind: 'name', name }, { now: () => 0, bootMs: 0 });
        expect(report.faults.map(({ message }) => message)).toEqual([]);
        expect(report.modprobe).toMatchObject({ exit: 0, stderr: [] });
        expect(report.remove).toMatchObject({ exit: 0, stderr: [] });
        expect(report.leftBehind).toEqual([]);
      });
  });
}

/** What tests/modules/rt/rtlocks.ko said on Debian's 6.1.0-53-rt-amd64 in QEMU, by its mode. */
const SAID: Readonly<Record<number, readonly string[]>> = {
  0: [
    '1 under spin_lock_irqsave: preempt 0 irqs on in_softirq 0 pinned 1',
    '2 under read_lock: preempt 0 irqs on in_softirq 0 pinned 1',
    '3 under spin_lock_bh: preempt 0 irqs on in_softirq 1 pinned 3',
    '4 under raw_spin_lock_irqsave: preempt 1 irqs off in_softirq 0 pinned 0',
    '5 mutex locked: preempt 0 irqs on in_softirq 0 pinned 0',
    '6 sem locked: preempt 0 irqs on in_softirq 0 pinned 0',
    '7 sem locked: preempt 0 irqs on in_softirq 0 pinned 0',
    '8 free: preempt 0 irqs on in_softirq 0 pinned 0',
  ],
  3: ['1 has both: preempt 0 irqs on in_softirq 0 pinned 1'],
  4: ['1 has it: preempt 1 irqs on in_softirq 0 pinned 1'],
  5: ['1 was not taken: preempt 0 irqs on in_softirq 0 pinned 0'],
  7: [
    '1 softirqs off: preempt 0 irqs on in_softirq 1 pinned 2',
    '2 scheduled: preempt 0 irqs on in_softirq 1 pinned 2',
    '3 tasklet: preempt 0 irqs on in_softirq 1 pinned 2',
    '4 softirqs on: preempt 0 irqs on in_softirq 0 pinned 0',
  ],
  9: [
    '1 contender wants: preempt 0 irqs on in_softirq 0 pinned 0',
    '2 contender has: preempt 0 irqs on in_softirq 0 pinned 1',
  ],
  10: [
    '1 reader gives back: preempt 0 irqs on in_softirq 0 pinned 1',
    '2 writer has: preempt 0 irqs on in_softirq 0 pinned 1',
  ],
  14: ['1 allocated: preempt 0 irqs on in_softirq 0 pinned 0'],
};

/** What only modbox reports of them: the kernel is not configured to look. */
const REPORTED: Readonly<Record<number, RegExp>> = {
  4: /sleeping function called from invalid context at kernel\/locking\/spinlock_rt.c/,
  5: /sleeping function called from invalid context at kernel\/locking\/spinlock_rt.c/,
  9: /^Voluntary context switch within RCU read-side critical section!$/,
};

const target = await flavourTarget('rt');
describe.skipIf(target === undefined)('locks of PREEMPT_RT are as on the real kernel', () => {
  const run = (kernel: LinuxTarget, mode: number): { said: string[]; faults: string[] } => {
    const machine = Machine.boot({ target: kernel });
    machine.insmod(readFileSync(EXTRA), `mode=${mode}`);
    machine.rmmod('rtlocks');
    const said = machine.dmesg().flatMap(({ text }) => /rtlocks: (\d+ .*: preempt.*)$/.exec(text)?.[1] ?? []);
    return { said: said.slice(0, -1), faults: machine.faults().map(({ message }) => message) };
  };

  for (const [mode, said] of Object.entries(SAID))
    it(`mode ${mode}: ${said[0].replace(/^\d+ |:.*/g, '')}`, () => {
      const result = run(target!, Number(mode));
      expect(result.said).toEqual(said);
      const reported = REPORTED[Number(mode)];
      expect(result.faults).toEqual(reported ? [expect.stringMatching(reported)] : []);
    });

  it('a timer sleeps for a lock that the task it interrupted holds', () => {
    const { said, faults } = run(target!, 1);
    const what = said.map((line) => line.replace(/^\d+ |:.*/g, ''));
    expect(what.indexOf('timer wants')).toBeLessThan(what.indexOf('owner gives back'));
    expect(what.indexOf('owner gives back')).toBeLessThan(what.indexOf('timer has'));
    expect(what).toContain('contender has');
    expect(faults).toEqual([]);
  });
});
