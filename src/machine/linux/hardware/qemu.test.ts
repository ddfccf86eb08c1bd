import { describe, expect, it } from 'vitest';
import { deviceArguments } from '../../../hardware/node/qemu/device-arguments.js';
import { QemuBoard } from '../../../hardware/node/qemu/qemu-board.js';
import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { loadBundled } from '../../../target/node/index.js';
import { corpusTree } from '../../../testing/corpus.js';
import { hasQemu } from '../../../testing/qemu.js';
import { Machine } from '../machine.js';

const root = await corpusTree();

function withDevices(devices: readonly string[], body: (machine: Machine) => void): void {
  const machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root as string) });
  try {
    machine.plugBoard(new QemuBoard(deviceArguments(devices)));
    body(machine);
    expect(machine.faults()).toEqual([]);
  } finally {
    machine.release();
  }
}

describe.skipIf(root === undefined || !hasQemu())('QEMU’s devices under Debian’s own drivers', () => {
  it('a network card sends and receives: registers, DMA and its interrupt line', () => {
    withDevices(['e1000'], (machine) => {
      machine.modprobe('e1000');
      expect(machine.exec('readlink /sys/class/net/eth0/device/driver').stdout).toContain('drivers/e1000');
      expect(machine.exec('cat /sys/class/net/eth0/address').stdout).toBe('52:54:00:12:34:56\n');
      expect(machine.exec('ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; sleep 3').exit).toBe(0);
      expect(machine.exec('ping -c 1 -W 5 10.0.2.2').stdout).toContain('1 packets received, 0% packet loss');
      expect(machine.exec('cat /proc/interrupts').stdout).toMatch(
        / 21: +[1-9]\d* +IO-APIC +21-fasteoi +eth0/,
      );
      machine.exec('ip link set eth0 down');
      machine.modprobeRemove('e1000');
    });
  }, 120_000);

  it('a virtio device, whose memory is told by its queues and whose interrupts are messages', () => {
    withDevices(['virtio-rng-pci'], (machine) => {
      machine.modprobe('virtio_pci');
      machine.modprobe('virtio_rng');
      const { stdout } = machine.exec('head -c 16 /dev/hwrng | md5sum');
      expect(stdout).toMatch(/^[0-9a-f]{32} /);
      // Not the checksum of nothing, nor of 16 zeroes.
      expect(stdout).not.toContain('d41d8cd98f00b204e9800998ecf8427e');
      expect(stdout).not.toContain('4ae71336e44bf9bf79d2752e234818a5');
      expect(machine.exec('cat /proc/interrupts').stdout).toMatch(/PCI-MSI \d+-edge +virtio0-input/);
    });
  }, 120_000);
});
