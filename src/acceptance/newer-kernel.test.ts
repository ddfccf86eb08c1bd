import { describe, expect, it } from 'vitest';
import { DiskFiles } from '../kmod/node/disk-files.js';
import { Machine } from '../machine/linux/machine.js';
import { runModule } from '../machine/linux/module-run.js';
import { DiskIndexCache } from '../machine/linux/node/index-cache.js';
import { newerTree } from '../testing/corpus.js';
import { newerTarget } from '../testing/targets.js';

const tree = await newerTree();
const target = await newerTarget();

/** Modules that cannot be removed, there as on the real kernel: a control socket of theirs keeps them. */
const STAY = ['dccp_ipv6'];

/** What a newer kernel does otherwise, and a module whose init depends on it. */
const CASES = {
  'a slab cache described by a struct': 'dm-mod',
  'memory from buckets': 'nf_conntrack',
  'direct calls in place of indirect ones': 'kvm',
  'a certificate list that the kernel reads': 'cfg80211',
  'a virtio bus that is built in': 'virtio_net',
  'device drivers restricted by a name in struct device': 'hx711',
  'disks that are made with their limits': 'loop',
  'shrinkers that are allocated': 'erofs',
  'flags of a socket in one word': 'dccp_ipv6',
  'several per-CPU counters at once': 'dccp',
  'reasons for dropping packets': 'mac80211',
  'next hops whose listeners leave under rtnl_lock': 'vxlan',
  'arrays of attributes that are joined': 'stm_p_sys-t',
  'a cache of addresses for devices': 'vduse',
  'virtual machines enabled as soon as a module is there': 'kvm-amd',
  'consoles in a list with a lock of its own': 'netconsole',
};

/** Modules of the kernel with a fault of their own: dccp_fini() destroys one of the two caches that dccp_init() makes. */
const FOUND: Readonly<Record<string, RegExp>> = { dccp: /left its slab cache 'dccp_bind2_bucket' behind/ };

describe.skipIf(tree === undefined || target === undefined)(
  'a newer kernel, from the same source, has',
  () => {
    for (const [what, name] of Object.entries(CASES))
      it(`${what}: ${name}`, () => {
        const files = new DiskFiles(tree!);
        const machine = Machine.boot({ target: target!, files, indexCache: new DiskIndexCache() });
        const report = runModule(machine, { kind: 'name', name }, { now: () => 0, bootMs: 0 });
        const found = FOUND[name];
        expect(report.faults.map(({ message }) => message)).toEqual(
          found === undefined ? [] : [expect.stringMatching(found)],
        );
        expect(report.modprobe).toMatchObject({ exit: 0, stderr: [] });
        expect(report.modules.map((module) => module.name)).toContain(name.replaceAll('-', '_'));
        expect(report.remove).toMatchObject({ exit: STAY.includes(name) ? 1 : 0 });
      });
  },
);
