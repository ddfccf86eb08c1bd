import { describe, expect, it } from 'vitest';
import { deviceArguments } from '../../../hardware/node/qemu/device-arguments.js';
import { QemuBoard } from '../../../hardware/node/qemu/qemu-board.js';
import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { corpusTree } from '../../../testing/corpus.js';
import { hasQemu } from '../../../testing/qemu.js';
import { imageTarget } from '../../../testing/targets.js';
import { Machine } from '../machine.js';

const root = await corpusTree();
const target = await imageTarget();

/** Network cards, by what differs: how they interrupt, and how they are told of memory. */
const CARDS = [
  {
    what: 'DMA and its interrupt line',
    device: 'e1000',
    modules: ['e1000'],
    interrupts: / 21: +[1-9]\d* +IO-APIC +21-fasteoi +eth0/,
  },
  {
    what: 'queues in memory and messages',
    device: 'virtio-net-pci',
    modules: ['virtio_pci', 'virtio_net'],
    interrupts: / +[1-9]\d* +PCI-MSI +\d+-edge +virtio0-input\.0/,
  },
] as const;

describe.skipIf(!root || !target || !hasQemu())('QEMU’s devices under Debian’s own drivers', () => {
  it.each(CARDS)(
    'a network card sends and receives: $what ($device)',
    ({ device, modules, interrupts }) => {
      const machine = Machine.boot({ target: target!, files: new DiskFiles(root!) });
      try {
        machine.plugBoard(new QemuBoard(deviceArguments([device])));
        for (const module of modules) machine.modprobe(module);
        expect(machine.exec('cat /sys/class/net/eth0/address').stdout).toBe('52:54:00:12:34:56\n');
        machine.exec('ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; sleep 3');
        expect(machine.exec('ping -c 1 -W 10 10.0.2.2').stdout).toContain(
          '1 packets received, 0% packet loss',
        );
        expect(machine.exec('cat /proc/interrupts').stdout).toMatch(interrupts);
        expect(machine.faults()).toEqual([]);
      } finally {
        machine.release();
      }
    },
    120_000,
  );
});
