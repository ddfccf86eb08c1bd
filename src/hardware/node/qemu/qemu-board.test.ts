import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasQemu } from '../../../testing/qemu.js';
import type { BoardSurroundings } from '../../pci/pci-board.js';
import { deviceArguments } from './device-arguments.js';
import { QemuBoard } from './qemu-board.js';
import { QemuError } from './qemu-error.js';

const NOTHING: BoardSurroundings = {
  memory: () => new Uint8Array(),
  mapped: () => [],
  line: () => {},
  message: () => {},
};

/** Processes of QEMU's that this one has begun, by their command lines. */
function qemus(mark: string): number {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/cmdline`)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  }).length;
}

async function gone(mark: string): Promise<boolean> {
  for (let i = 0; i < 200 && qemus(mark) > 0; i++) await new Promise((resolve) => setTimeout(resolve, 25));
  return qemus(mark) === 0;
}

describe.skipIf(!hasQemu())('devices of QEMU', () => {
  it('are what is on its bus, with their registers, until it is stopped', async () => {
    const mark = 'mac=52:54:00:aa:bb:01';
    const board = new QemuBoard(deviceArguments([`e1000,${mark}`]));
    const functions = board.start(NOTHING);
    expect(functions.map(({ device }) => device)).toContainEqual({
      address: '0000:00:01.0',
      id: '8086:100e',
    });
    const card = functions.find(({ slot }) => slot === 1);
    expect(card?.header.bars).toEqual({ 0: { size: 0x2_0000 }, 1: { size: 0x40, io: true } });
    expect(card?.line).toBe(21);
    expect(card?.memoryDecoder.decode(0xc000_0000)).toBeUndefined();
    card?.config.assign(0, 0xc000_0000);
    const registers = card?.memoryDecoder.decode(0xc000_0000);
    // RAL0: the first four bytes of the address.
    expect(registers?.target.read(0x5400, 4)).toBe(0xaa00_5452n);
    registers?.target.write(0x5400, 4, 0x1234_5678n);
    expect(registers?.target.read(0x5400, 4)).toBe(0x1234_5678n);
    expect(qemus(mark)).toBeGreaterThan(0);
    board.stop();
    expect(await gone(mark)).toBe(true);
  });

  it('get what they hang on', () => {
    expect(deviceArguments(['usb-kbd', 'usb-mouse'])).toEqual([
      ...['-device', 'qemu-xhci,id=modbox-usb-bus'],
      ...['-device', 'usb-kbd,bus=modbox-usb-bus.0', '-device', 'usb-mouse,bus=modbox-usb-bus.0'],
    ]);
    expect(deviceArguments(['scsi-hd,file=/a,b'])).toContain('virtio-scsi-pci,id=modbox-scsi');
    expect(deviceArguments(['e1000'])).toEqual([
      ...['-netdev', 'user,id=modbox-netdev0'],
      ...['-device', 'e1000,netdev=modbox-netdev0'],
    ]);
  });

  it('that there are not are refused in its words', () => {
    expect(() => deviceArguments(['no-such-card'])).toThrow("QEMU: Device 'no-such-card' not found");
    const wrong = new QemuBoard(['-device', 'e1000,colour=red']);
    expect(() => wrong.start(NOTHING)).toThrow(QemuError);
    expect(() => new QemuBoard(['-device', 'e1000,colour=red']).start(NOTHING)).toThrow(/colour/);
  });

  it('whose QEMU has died are told of by name', async () => {
    const mark = 'mac=52:54:00:aa:bb:02';
    const board = new QemuBoard(deviceArguments([`e1000,${mark}`]));
    board.start(NOTHING);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const path = `/proc/${pid}/cmdline`;
      if (
        existsSync(path) &&
        readFileSync(path, 'utf8').startsWith('qemu-system-x86_64\0') &&
        readFileSync(path, 'utf8').includes(mark)
      )
        process.kill(Number(pid), 'SIGKILL');
    }
    expect(() => board.wait(1e9)).toThrow('QEMU has ended');
    expect(await gone(mark)).toBe(true);
  });
});

describe('a QEMU that is not installed', () => {
  it('is missed by name', () => {
    const { PATH } = process.env;
    process.env.PATH = '/nowhere';
    try {
      expect(() => deviceArguments(['e1000'])).toThrow(/qemu-system-x86_64 is not installed/);
    } finally {
      process.env.PATH = PATH;
    }
  });
});
