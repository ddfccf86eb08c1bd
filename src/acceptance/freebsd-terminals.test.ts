import { describe, expect, it } from 'vitest';
import type { FreebsdMachine } from '../machine/freebsd/machine.js';
import { machineWithKlds } from './testing/klds.js';

const O_RDWR = 2;
const O_NONBLOCK = 4;
/** Requests of sys/ttycom.h. */
const TIOCGETA = 0x402c_7413;
const TIOCSETA = 0x802c_7414;
const TIOCMGET = 0x4004_746a;
/** sizeof(struct termios), and where its members are. */
const TERMIOS_BYTES = 44;
const IFLAG = 0;
const OFLAG = 4;
const LFLAG = 12;
const OSPEED = 40;
/** A flag of c_lflag. */
const ECHO = 8;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const machineWithTerminals = (): FreebsdMachine => {
  const machine = machineWithKlds(['ttyloop']);
  machine.kldload('ttyloop');
  return machine;
};

const modesOf = (machine: FreebsdMachine, fd: number): DataView<ArrayBuffer> => {
  const termios = new Uint8Array(TERMIOS_BYTES);
  machine.fs.ioctl(fd, TIOCGETA, termios);
  return new DataView(termios.buffer);
};

const setModes = (machine: FreebsdMachine, fd: number, modes: DataView<ArrayBuffer>): void => {
  machine.fs.ioctl(fd, TIOCSETA, new Uint8Array(modes.buffer));
};

/** Opens a terminal that passes on what it gets, unchanged. */
const openRaw = (machine: FreebsdMachine, path: string): number => {
  const fd = machine.fs.open(path, O_RDWR | O_NONBLOCK);
  const modes = modesOf(machine, fd);
  for (const member of [IFLAG, OFLAG, LFLAG]) modes.setUint32(member, 0, true);
  setModes(machine, fd, modes);
  return fd;
};

const logOf = (machine: FreebsdMachine): readonly string[] => machine.log.since(0).map((line) => line.text);

describe('terminals of a kld', () => {
  it('are made when somebody looks for them, and go when nobody has them open', () => {
    const machine = machineWithTerminals();
    const { fs } = machine;
    expect(fs.list('/dev').filter((name) => name.startsWith('ttyloop'))).toEqual([]);
    const fd = openRaw(machine, '/dev/ttyloop3');
    expect(fs.list('/dev')).toContain('ttyloop3');
    expect(() => machine.kldunload('ttyloop')).toThrow(/Device busy/);
    fs.close(fd);
    machine.sleep(1e6);
    expect(fs.list('/dev')).not.toContain('ttyloop3');
    expect(() => fs.open('/dev/ttyloopX')).toThrow(/No such file or directory/);
    machine.kldunload('ttyloop');
    expect(logOf(machine)).toEqual(['ttyloop: 3 opened', 'ttyloop: 3 closed']);
    expect(machine.faults()).toEqual([]);
    expect(machine.leaks()).toEqual([]);
  });

  it('pass bytes on as they are in raw mode', () => {
    const machine = machineWithTerminals();
    const { fs } = machine;
    const fd = openRaw(machine, '/dev/ttyloop0');
    expect(() => fs.read(fd, 10)).toThrow(/Resource temporarily unavailable/);
    expect(fs.write(fd, 'one\r\ntwo\x03')).toBe(9);
    expect(text(fs.read(fd, 4))).toBe('one\r');
    expect(text(fs.read(fd, 100))).toBe('\ntwo\x03');
  });

  it('give whole lines in canonical mode, with what was erased left out', () => {
    const machine = machineWithTerminals();
    const { fs } = machine;
    const fd = fs.open('/dev/ttyloop0', O_RDWR | O_NONBLOCK);
    const modes = modesOf(machine, fd);
    // Without an echo: it would come back for ever.
    modes.setUint32(LFLAG, modes.getUint32(LFLAG, true) & ~ECHO, true);
    modes.setUint32(OFLAG, 0, true);
    setModes(machine, fd, modes);
    fs.write(fd, 'ab\x7fc');
    expect(() => fs.read(fd, 10)).toThrow(/Resource temporarily unavailable/);
    fs.write(fd, 'd\nnext');
    expect(text(fs.read(fd, 100))).toBe('acd\n');
  });

  it('refuse modes that their driver refuses, and keep the ones before', () => {
    const machine = machineWithTerminals();
    const fd = openRaw(machine, '/dev/ttyloop0');
    const modes = modesOf(machine, fd);
    const before = modes.getUint32(OSPEED, true);
    modes.setUint32(OSPEED, 50, true);
    expect(() => setModes(machine, fd, modes)).toThrow(/Invalid argument/);
    expect(modesOf(machine, fd).getUint32(OSPEED, true)).toBe(before);
  });

  it('are dead once the carrier is lost', () => {
    const machine = machineWithTerminals();
    const { fs } = machine;
    const fd = openRaw(machine, '/dev/ttyloop0');
    const lines = new Uint8Array(4);
    fs.ioctl(fd, TIOCMGET, lines);
    expect(lines[0]).toBe(0o101);
    fs.write(fd, 'gone\x1d');
    expect(fs.read(fd, 10)).toHaveLength(0);
    expect(() => fs.write(fd, 'more')).toThrow(/Input\/output error/);
    fs.close(fd);
    machine.sleep(1e6);
    machine.kldunload('ttyloop');
    expect(machine.faults()).toEqual([]);
  });
});

describe('/dev', () => {
  it('has no files of programs’', () => {
    const machine = machineWithTerminals();
    expect(() => machine.fs.writeFile('/dev/mine', 'text')).toThrow(/Operation not supported/);
    expect(() => machine.fs.mkdir('/dev/mine')).toThrow(/Operation not supported/);
  });
});
