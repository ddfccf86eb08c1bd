import { describe, expect, it } from 'vitest';
import { machineWithKlds } from './testing/klds.js';

describe('a file system of a kld', () => {
  it('is mounted, read and unmounted, and its module stays while it is mounted', () => {
    const machine = machineWithKlds(['tinyfs']);
    const { fs } = machine;
    machine.kldload('tinyfs');
    fs.mkdir('/mnt');
    fs.mount('tinyfs', '/mnt');
    expect(fs.list('/mnt')).toEqual(['hello']);
    expect(fs.stat('/mnt/hello')).toMatchObject({ kind: 'file', mode: 0o444, size: 19 });
    expect(fs.readText('/mnt/hello')).toBe('Hello from tinyfs.\n');
    expect(() => fs.readText('/mnt/nothing')).toThrow(/No such file or directory/);
    expect(() => fs.writeFile('/mnt/new', 'x')).toThrow(/Read-only file system/);
    expect(() => machine.kldunload('tinyfs')).toThrow(/Device busy/);
    fs.unmount('/mnt');
    expect(fs.list('/mnt')).toEqual([]);
    machine.kldunload('tinyfs');
    expect(machine.faults()).toEqual([]);
    expect(machine.leaks()).toEqual([]);
  });

  it('is not unmounted while a file of it is open, unless by force: the file is dead then', () => {
    const machine = machineWithKlds(['tinyfs']);
    const { fs } = machine;
    machine.kldload('tinyfs');
    fs.mkdir('/mnt');
    fs.mount('tinyfs', '/mnt');
    const fd = fs.open('/mnt/hello');
    expect(() => fs.unmount('/mnt')).toThrow(/Device busy/);
    fs.unmount('/mnt', true);
    expect(() => fs.read(fd, 10)).toThrow(/Input\/output error/);
    fs.close(fd);
    machine.kldunload('tinyfs');
    expect(machine.faults()).toEqual([]);
    expect(machine.leaks()).toEqual([]);
  });

  it('is of a type that somebody has registered', () => {
    const machine = machineWithKlds([]);
    machine.fs.mkdir('/mnt');
    expect(() => machine.fs.mount('nofs', '/mnt')).toThrow(/Operation not supported by device/);
  });
});
