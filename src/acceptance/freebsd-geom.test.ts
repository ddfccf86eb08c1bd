import { describe, expect, it } from 'vitest';
import {
  DIOCGATTR,
  DIOCGDELETE,
  DIOCGFLUSH,
  DIOCGFWSECTORS,
  DIOCGIDENT,
  DIOCGMEDIASIZE,
  DIOCGPROVIDERNAME,
  DIOCGSECTORSIZE,
} from '../freebsd/geom/disk-ioctls.js';
import { issue, type Parameter } from '../machine/freebsd/geom/gctl.js';
import { geomsOf } from '../machine/freebsd/geom/mesh.js';
import type { FreebsdMachine } from '../machine/freebsd/machine.js';
import { ProcessFiles } from '../machine/freebsd/shell/process-files.js';
import { machineWithKlds } from './testing/klds.js';

const O_RDWR = 2;
const O_WRONLY = 1;
const SECTOR = 512;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).replace(/\0+$/, '');
const filled = (byte: number, length = SECTOR): Uint8Array => new Uint8Array(length).fill(byte);

/** What a command prints. */
function out(machine: FreebsdMachine, command: string): string {
  const { exit, stdout, stderr } = machine.exec(command);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  return stdout;
}

function sysctl(machine: FreebsdMachine, name: string): string {
  return out(machine, `sysctl -n ${name}`).trimEnd();
}

/** Reads or writes sectors of a device. */
function access<T>(machine: FreebsdMachine, path: string, flags: number, body: (fd: number) => T): T {
  const fd = machine.fs.open(path, flags);
  try {
    return body(fd);
  } finally {
    machine.fs.close(fd);
  }
}

function writeAt(machine: FreebsdMachine, path: string, bytes: Uint8Array, sector: number): void {
  machine.fs.writeFile('/sectors', bytes);
  const { exit, stderr } = machine.exec(
    `dd if=/sectors of=${path} bs=${SECTOR} seek=${sector} conv=notrunc status=none`,
  );
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
}

function readAt(machine: FreebsdMachine, path: string, sector: number, count = 1): Uint8Array {
  out(machine, `dd if=${path} of=/sectors bs=${SECTOR} skip=${sector} count=${count} status=none`);
  return machine.fs.readFile('/sectors');
}

function request(machine: FreebsdMachine, parameters: Readonly<Record<string, Parameter>>): string {
  const { kernel } = machine;
  return machine.perform('geom', () =>
    issue(
      kernel,
      new ProcessFiles(kernel),
      (result) => `errno ${-result}`,
      new Map(Object.entries(parameters)),
    ),
  );
}

function devices(machine: FreebsdMachine): readonly string[] {
  return [...machine.fs.list('/dev')].filter((name) => name.includes('mbd')).sort();
}

function clean(machine: FreebsdMachine): void {
  expect(machine.faults()).toEqual([]);
  expect(machine.leaks()).toEqual([]);
}

describe('a disk(9) of a driver', () => {
  it('has a device under its name and its alias, for as long as it is there', () => {
    const machine = machineWithKlds(['mbdisk']);
    machine.kldload('mbdisk');
    expect(devices(machine)).toEqual(['mbd0', 'mbdisk0']);
    expect(machine.fs.stat('/dev/mbdisk0')).toMatchObject({ kind: 'character', mode: 0o640, gid: 5 });
    expect(sysctl(machine, 'kern.geom.conftxt')).toBe('0 DISK mbdisk0 65536 512 hd 2 sc 16');
    machine.kldunload('mbdisk');
    expect(devices(machine)).toEqual([]);
    clean(machine);
  });

  it('is written and read, in requests no larger than the driver can do', () => {
    const machine = machineWithKlds(['mbdisk']);
    machine.kldload('mbdisk');
    const before = Number(sysctl(machine, 'hw.mbdisk.requests'));
    writeAt(machine, '/dev/mbdisk0', filled(0x61, 16 * SECTOR), 8);
    expect(Number(sysctl(machine, 'hw.mbdisk.requests')) - before).toBe(16);
    const all = access(machine, '/dev/mbdisk0', 0, (fd) => machine.fs.read(fd, 32 * SECTOR));
    expect(Number(sysctl(machine, 'hw.mbdisk.requests')) - before).toBe(20);
    expect([all[8 * SECTOR - 1], all[8 * SECTOR], all[24 * SECTOR - 1], all[24 * SECTOR]]).toEqual([
      0, 0x61, 0x61, 0,
    ]);
    clean(machine);
  });

  it('ends where its medium ends, and knows whole sectors only', () => {
    const machine = machineWithKlds(['mbdisk']);
    machine.kldload('mbdisk');
    access(machine, '/dev/mbdisk0', O_RDWR, (fd) => {
      expect(machine.fs.read(fd, 256 * SECTOR).length).toBe(128 * SECTOR);
      expect(machine.fs.read(fd, SECTOR).length).toBe(0);
      expect(() => machine.fs.read(fd, 100)).toThrow(/Invalid argument/);
    });
    clean(machine);
  });

  it('tells of itself', () => {
    const machine = machineWithKlds(['mbdisk']);
    machine.kldload('mbdisk');
    access(machine, '/dev/mbdisk0', O_RDWR, (fd) => {
      const ask = (command: number, bytes: number): Uint8Array => {
        const answer = new Uint8Array(bytes);
        machine.fs.ioctl(fd, command, answer);
        return answer;
      };
      const number = (answer: Uint8Array): number => new DataView(answer.buffer).getUint32(0, true);
      expect(number(ask(DIOCGSECTORSIZE, 4))).toBe(SECTOR);
      expect(number(ask(DIOCGMEDIASIZE, 8))).toBe(128 * SECTOR);
      expect(number(ask(DIOCGFWSECTORS, 4))).toBe(16);
      expect(text(ask(DIOCGIDENT, 256))).toBe('MBx090001');
      expect(text(ask(DIOCGPROVIDERNAME, 1024))).toBe('mbdisk0');
      const attribute = new Uint8Array(328);
      attribute.set(new TextEncoder().encode('GEOM::candelete'));
      new DataView(attribute.buffer).setUint32(64, 4, true);
      machine.fs.ioctl(fd, DIOCGATTR, attribute);
      expect(attribute[72]).toBe(1);
      machine.fs.ioctl(fd, DIOCGFLUSH);
    });
    clean(machine);
  });

  it('deletes sectors', () => {
    const machine = machineWithKlds(['mbdisk']);
    machine.kldload('mbdisk');
    writeAt(machine, '/dev/mbdisk0', filled(0x61, 4 * SECTOR), 0);
    access(machine, '/dev/mbdisk0', O_RDWR, (fd) => {
      const range = new DataView(new ArrayBuffer(16));
      range.setBigInt64(0, 512n, true);
      range.setBigInt64(8, 1024n, true);
      machine.fs.ioctl(fd, DIOCGDELETE, new Uint8Array(range.buffer));
      range.setBigInt64(8, 100n, true);
      expect(() => machine.fs.ioctl(fd, DIOCGDELETE, new Uint8Array(range.buffer))).toThrow(
        /Invalid argument/,
      );
    });
    const sectors = readAt(machine, '/dev/mbdisk0', 0, 4);
    expect([0, 1, 2, 3].map((i) => sectors[i * SECTOR])).toEqual([0x61, 0, 0, 0x61]);
    expect(machine.log.since(0).at(-1)?.text).toBe('g_dev_ioctl: offset=512 length=100');
    clean(machine);
  });

  it('may not be written to where its driver says so', () => {
    const environment = new Map([['hw.mbdisk.readonly', '1']]);
    const machine = machineWithKlds(['mbdisk'], { environment });
    machine.kldload('mbdisk');
    expect(() => machine.fs.open('/dev/mbdisk0', O_WRONLY)).toThrow(/Read-only file system/);
    expect(readAt(machine, '/dev/mbdisk0', 0)).toEqual(filled(0));
    clean(machine);
  });

  it('can go while a program has it open: what follows fails', () => {
    const machine = machineWithKlds(['mbdisk']);
    machine.kldload('mbdisk');
    const fd = machine.fs.open('/dev/mbdisk0');
    machine.kldunload('mbdisk');
    expect(devices(machine)).toEqual([]);
    expect(() => machine.fs.read(fd, SECTOR)).toThrow(/Device not configured/);
    machine.fs.close(fd);
    expect(sysctl(machine, 'kern.geom.conftxt')).toBe('');
    clean(machine);
  });
});

/** A disk whose last sector says that it is one of geomxor's. */
function labelled(): FreebsdMachine {
  const machine = machineWithKlds(['mbdisk', 'geomxor']);
  machine.kldload('mbdisk');
  const label = filled(0);
  label.set(new TextEncoder().encode('MBXOR'));
  writeAt(machine, '/dev/mbdisk0', label, 127);
  return machine;
}

describe('a class of GEOM', () => {
  it('tastes the providers that are there when it comes, and changes what goes through it', () => {
    const machine = labelled();
    writeAt(machine, '/dev/mbdisk0', filled(0x41), 3);
    machine.kldload('geomxor');
    expect(devices(machine)).toContain('mbdisk0.xor');
    expect(readAt(machine, '/dev/mbdisk0.xor', 3)).toEqual(filled(0x61));
    writeAt(machine, '/dev/mbdisk0.xor', filled(0x62), 4);
    expect(readAt(machine, '/dev/mbdisk0.xor', 4)).toEqual(filled(0x62));
    expect(readAt(machine, '/dev/mbdisk0', 4)).toEqual(filled(0x42));
    expect(sysctl(machine, 'kern.geom.conftxt')).toBe(
      '0 DISK mbdisk0 65536 512 hd 2 sc 16\n1 MBXOR mbdisk0.xor 65024 512',
    );
    machine.kldunload('geomxor');
    expect(devices(machine)).toEqual(['mbd0', 'mbdisk0']);
    machine.kldunload('mbdisk');
    clean(machine);
  });

  it('tastes providers that come after it, and what was written to', () => {
    const machine = machineWithKlds(['mbdisk', 'geomxor']);
    machine.kldload('geomxor');
    machine.kldload('mbdisk');
    expect(devices(machine)).toEqual(['mbd0', 'mbdisk0']);
    const label = filled(0);
    label.set(new TextEncoder().encode('MBXOR'));
    writeAt(machine, '/dev/mbdisk0', label, 127);
    expect(devices(machine)).toContain('mbdisk0.xor');
    writeAt(machine, '/dev/mbdisk0', filled(0), 127);
    expect(devices(machine)).not.toContain('mbdisk0.xor');
    clean(machine);
  });

  it('keeps its provider from being spoiled, and itself from being unloaded, while it is open', () => {
    const machine = labelled();
    machine.kldload('geomxor');
    const fd = machine.fs.open('/dev/mbdisk0.xor');
    expect(() => machine.fs.open('/dev/mbdisk0', O_WRONLY)).toThrow(/Operation not permitted/);
    expect(() => machine.kldunload('geomxor')).toThrow(/Device busy/);
    machine.fs.close(fd);
    machine.kldunload('geomxor');
    clean(machine);
  });

  it('goes with the disk below it', () => {
    const machine = labelled();
    machine.kldload('geomxor');
    machine.kldunload('mbdisk');
    expect(devices(machine)).toEqual([]);
    machine.kldunload('geomxor');
    clean(machine);
  });

  it('answers requests of geom(8)', () => {
    const machine = labelled();
    machine.kldload('geomxor');
    const ask = (verb: string, more: Readonly<Record<string, Parameter>> = {}): string =>
      request(machine, {
        class: { kind: 'text', value: 'MBXOR' },
        verb: { kind: 'text', value: verb },
        ...more,
      });
    expect(ask('key', { value: { kind: 'int', value: 1 } })).toBe('');
    expect(geomsOf(sysctl(machine, 'kern.geom.confxml'), 'MBXOR')).toMatchObject([
      {
        name: 'mbdisk0.xor',
        rank: 2,
        consumes: ['mbdisk0'],
        providers: [{ mediasize: 65_024, mode: 'r0w0e0' }],
      },
    ]);
    expect(geomsOf(sysctl(machine, 'kern.geom.confxml'), 'MBXOR')?.[0].config.get('Key')).toBe('1');
    expect(ask('key', { value: { kind: 'int', value: 256 } })).toBe('Invalid key: 256.');
    expect(ask('key', { value: { kind: 'number', value: 1 } })).toBe('Wrong length value argument');
    expect(ask('key')).toBe('Missing value argument');
    expect(ask('nothing')).toBe('Unknown verb.');
    expect(ask('destroy', { arg0: { kind: 'text', value: 'nobody' } })).toBe('No such geom: nobody.');
    expect(ask('destroy', { arg0: { kind: 'text', value: 'mbdisk0.xor' } })).toBe('');
    expect(devices(machine)).not.toContain('mbdisk0.xor');
    expect(request(machine, { class: { kind: 'text', value: 'NONE' } })).toBe('Class not found: "NONE"');
    expect(request(machine, { class: { kind: 'text', value: 'DISK' } })).toBe('Class takes no requests');
    expect(request(machine, { class: { kind: 'text', value: 'MBXOR' } })).toBe('Verb missing');
    clean(machine);
  });

  it('is told of by geom(8)', () => {
    const machine = labelled();
    machine.kldload('geomxor');
    expect(out(machine, 'geom mbxor status')).toBe(
      '       Name  Status  Components\nmbdisk0.xor     N/A  mbdisk0\n',
    );
    expect(out(machine, 'geom disk list')).toMatch(/^Geom name: mbdisk0\nProviders:\n1\. Name: mbdisk0\n/);
    expect(machine.exec('geom nothing list')).toMatchObject({
      exit: 1,
      stderr: "geom: Class 'NOTHING' not found.\n",
    });
  });

  it('is found out when it leaves its geoms behind', () => {
    const machine = machineWithKlds(['leakgeom']);
    machine.kldload('leakgeom');
    expect(machine.fs.list('/dev')).toContain('leakgeom');
    machine.kldunload('leakgeom');
    expect(machine.faults().map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^modbox: leakgeom\.ko left its geom 'leakgeom' behind, registered by leakgeom_event/,
      ),
      expect.stringMatching(/^modbox: leakgeom\.ko left its GEOM provider 'leakgeom' behind/),
      expect.stringMatching(/^modbox: leakgeom\.ko left its GEOM class 'LEAKGEOM' behind/),
    ]);
  });

  it('may not sleep in the thread of all requests, and not change the topology without its lock', () => {
    const machine = machineWithKlds(['geomsleep']);
    machine.kldload('geomsleep');
    expect(readAt(machine, '/dev/geomsleep', 0)).toEqual(filled(0x7a));
    expect(machine.faults().map(({ message }) => message)).toEqual([
      'pause("gsleep") where sleeping is prohibited (THREAD_NO_SLEEPING)',
    ]);
    machine.kldunload('geomsleep');
    expect(machine.faults(1).map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
      'lock-misuse: Lock GEOM topology not exclusively locked in g_wither_geom()',
    ]);
  });
});
