import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DiskFiles } from '../../kmod/node/disk-files.js';
import { Machine } from '../../machine/linux/machine.js';
import type { LinuxTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';
import { CORPUS_RELEASE, corpusTree } from '../../testing/corpus.js';
import { NetDevices } from './core/netdevices.js';
import { TcpAlgorithms } from './ipv4/tcp-cong.js';
import { GenericNetlink } from './netlink/genetlink.js';
import { QueueingDisciplines } from './sched/sch-api.js';

describe('the network stack under Debian’s modules', () => {
  let root: string | undefined;
  let target: LinuxTarget;

  beforeAll(async () => {
    root = await corpusTree();
    target = loadBundled();
  });

  function boot(): Machine {
    return Machine.boot({ target, files: new DiskFiles(root ?? '') });
  }

  const lines = (machine: Machine): string[] => machine.dmesg().map(({ text }) => text);
  const names = (machine: Machine): string[] => {
    const devices = machine.kernel.get(NetDevices);
    return devices.all().map((dev) => devices.name(dev));
  };

  it('boots with lo, and knows it by name and index', () => {
    const machine = boot();
    expect(names(machine)).toEqual(['lo']);
    const devices = machine.kernel.get(NetDevices);
    const lo = devices.named('lo');
    expect(machine.kernel.struct('net_device').get(lo, 'ifindex')).toBe(1);
    expect(machine.kernel.struct('net').get(machine.kernel.symbol('init_net'), 'loopback_dev')).toBe(lo);
  });

  it('a module brings devices with names of their own, and takes them away again', ({ skip }) => {
    if (root === undefined) return skip('needs the kernel package');
    const machine = boot();
    machine.modprobe('dummy');
    machine.rmmod('dummy');
    const used = machine.kernel.ledger.bytes;
    machine.modprobe('dummy', 'numdummies=3');
    expect(names(machine)).toEqual(['lo', 'dummy0', 'dummy1', 'dummy2']);
    machine.rmmod('dummy');
    expect(names(machine)).toEqual(['lo']);
    expect(machine.kernel.ledger.bytes).toBe(used);
  });

  it('protocol families are announced when they come and go', ({ skip }) => {
    if (root === undefined) return skip('needs the kernel package');
    const machine = boot();
    machine.modprobe('can');
    machine.modprobeRemove('can');
    expect(lines(machine)).toEqual(
      expect.arrayContaining([
        'can: controller area network core',
        'NET: Registered PF_CAN protocol family',
        'NET: Unregistered PF_CAN protocol family',
      ]),
    );
  });

  it('disciplines, congestion control and netlink families are found while their module is loaded', ({
    skip,
  }) => {
    if (root === undefined) return skip('needs the kernel package');
    const machine = boot();
    const disciplines = machine.kernel.get(QueueingDisciplines);
    machine.modprobe('sch_tbf');
    expect(disciplines.find('tbf')).toBeDefined();
    machine.modprobeRemove('sch_tbf');
    expect(disciplines.find('tbf')).toBeUndefined();
    machine.modprobe('tcp_bbr');
    expect(machine.kernel.get(TcpAlgorithms).names()).toEqual(['reno', 'cubic', 'bbr']);
    machine.modprobe('macsec');
    expect(machine.kernel.get(GenericNetlink).find('macsec')).toBeDefined();
  });

  it('whole stacks load and unload: connection tracking, nf_tables, a bridge', ({ skip }) => {
    if (root === undefined) return skip('needs the kernel package');
    const machine = boot();
    for (const name of ['nft_ct', 'bridge', 'xt_conntrack']) {
      machine.modprobe(name);
      machine.modprobeRemove(name);
    }
    expect(machine.kernel.traps.unimplemented).toEqual([]);
    expect(machine.lsmod().map(({ name }) => name)).not.toContain('nf_conntrack');
  });

  it.for([
    ['a name server with sockets of its own', 'qrtr'],
    ['a listening TCP socket', 'rds_tcp'],
    ['UDP tunnels of both families', 'rdma_rxe'],
    ['a service over UDP, with waits for variables', 'kafs'],
    ['packets sent from a device that is down', 'aoe'],
    ['radios that are no hardware', 'mac80211_hwsim'],
  ])('%s: %s loads, and leaves when it is told to', ([, name], { skip }) => {
    if (root === undefined) return skip('needs the kernel package');
    const machine = boot();
    machine.modprobe(name);
    machine.modprobeRemove(name);
    expect(machine.kernel.traps.reports).toEqual([]);
    expect(machine.lsmod().map((module) => module.name)).not.toContain(name);
  });

  it('certificates of the regulatory database are named as the real kernel names them', ({ skip }) => {
    const oracle = new URL('../../../../shared/oracle/6.1.0-53-amd64.jsonl', import.meta.url).pathname;
    if (root === undefined || !existsSync(oracle)) return skip('needs the kernel package and the recordings');
    expect(existsSync(join(root, 'lib/modules', CORPUS_RELEASE))).toBe(true);
    const machine = boot();
    machine.modprobe('cfg80211');
    const recorded = readFileSync(oracle, 'utf8').match(/cfg80211: Loaded X\.509 cert '[^']*'/g) ?? [];
    const loaded = lines(machine).filter((line) => line.includes('Loaded X.509'));
    expect(loaded).toEqual([...new Set(recorded)]);
    expect(loaded).toHaveLength(4);
  });
});
