import { beforeAll, describe, expect, it } from 'vitest';
import { e1000, receiveFrame } from '../../../hardware/models/e1000/e1000.js';
import { seconds } from '../../../hardware/time.js';
import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { loadBundled } from '../../../target/node/index.js';
import { corpusTree } from '../../../testing/corpus.js';
import { Machine } from '../machine.js';

const root = await corpusTree();

describe.skipIf(root === undefined)('a network card under Debian’s own driver', () => {
  let machine: Machine;

  beforeAll(() => {
    machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root as string) });
  });

  it('is bound, used and left, as on the real kernel', () => {
    const card = machine.plug(e1000);
    machine.modprobe('e1000');
    expect(machine.driverOf(card)).toBe('e1000');
    const lines = () => machine.dmesg().map(({ text }) => text);
    // What the real kernel said (oracle/devices.jsonl).
    expect(lines()).toEqual(
      expect.arrayContaining([
        'e1000: Intel(R) PRO/1000 Network Driver',
        'e1000: Copyright (c) 1999-2006 Intel Corporation.',
        'e1000 0000:00:01.0 eth0: (PCI:33MHz:32-bit) 52:54:00:12:34:56',
        'e1000 0000:00:01.0 eth0: Intel(R) PRO/1000 Network Connection',
      ]),
    );
    expect(machine.exec('cat /sys/class/net/eth0/address; ip link set eth0 up').stdout).toBe(
      '52:54:00:12:34:56\n',
    );
    machine.sleep(seconds(3));
    expect(lines()).toContain('e1000: eth0 NIC Link is Up 1000 Mbps Full Duplex, Flow Control: RX');
    expect(machine.exec('cd /sys/class/net/eth0; cat carrier operstate').stdout).toBe('1\nup\n');
    expect(receiveFrame(card, new Uint8Array(60).fill(0xff))).toBe(true);
    machine.sleep(seconds(3));
    expect(machine.exec('cat /sys/class/net/eth0/statistics/rx_packets').stdout).toBe('1\n');
    machine.exec('ip link set eth0 down');
    machine.modprobeRemove('e1000');
    machine.unplug(card);
    expect(card.missing).toEqual([]);
    expect([machine.faults(), machine.leaks()]).toEqual([[], []]);
  });
});
