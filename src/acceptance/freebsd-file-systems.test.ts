import { describe, expect, it } from 'vitest';
import type { FreebsdMachine } from '../machine/freebsd/machine.js';
import { machineWithKlds, sysctlOn } from './testing/klds.js';

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

  it('is loaded by mount(8) where there is a file of its name', () => {
    const machine = machineWithKlds(['tinyfs', 'pathdev']);
    machine.fs.mkdir('/mnt');
    expect(machine.exec('mount -t tinyfs tiny /mnt')).toMatchObject({ exit: 0, stderr: '' });
    expect(machine.exec('mount').stdout).toBe(
      'devfs on /dev (devfs)\ntiny on /mnt (tinyfs, local, read-only)\n',
    );
    expect(machine.exec('mount -t pathdev x /mnt').stderr).toBe(
      'mount: x: Operation not supported by device\n',
    );
    expect(machine.kldstat().map(({ filename }) => filename)).toEqual(['kernel', 'tinyfs.ko']);
    expect(machine.exec('umount /mnt/').exit).toBe(0);
    expect(machine.exec('umount /mnt').stderr).toBe('umount: /mnt: not a file system root directory\n');
    machine.kldunload('tinyfs');
    expect(machine.leaks()).toEqual([]);
  });

  it('is not changed by commands where it is read only, and keeps a process from being unmounted', () => {
    const machine = machineWithKlds(['tinyfs']);
    expect(machine.exec('mkdir /mnt && mount -t tinyfs tiny /mnt').exit).toBe(0);
    expect(machine.exec('mkdir /mnt/new').stderr).toBe('mkdir: /mnt/new: Read-only file system\n');
    expect(machine.exec('rm /mnt/hello').stderr).toMatch(/^rm: \/mnt\/hello: /);
    const reader = machine.spawn('reader', function* (process) {
      const fd = yield* process.open('/mnt/hello');
      yield* process.sleep(1000);
      return (yield* process.read(fd, 5)).length;
    });
    expect(machine.exec('umount /mnt')).toMatchObject({
      exit: 1,
      stderr: 'umount: unmount of /mnt failed: Device busy\n',
    });
    expect(reader.wait()).toBe(5);
    expect(machine.exec('umount /mnt; ls /mnt')).toMatchObject({ exit: 0, stdout: '', stderr: '' });
    machine.kldunload('tinyfs');
    expect(machine.faults()).toEqual([]);
  });
});

describe('paths that a kld looks up', () => {
  const loaded = (...names: readonly string[]): FreebsdMachine => {
    const machine = machineWithKlds(['pathdev', ...names]);
    machine.kldload('pathdev');
    return machine;
  };

  /** What is said of a path, by sysctl(8) or in the log. */
  const asked = (machine: FreebsdMachine, what: string, path: string): readonly string[] => {
    const mark = machine.log.since(0).length;
    const said = sysctlOn(machine, `debug.pathdev.${what}=${path}`);
    const lines = machine.log
      .since(0)
      .slice(mark)
      .map(({ text }) => text);
    const error = /sysctl: .*: (.*)$/m.exec(said)?.[1];
    return error === undefined ? lines : [error];
  };

  const unloadsCleanly = (machine: FreebsdMachine): void => {
    machine.kldunload('pathdev');
    expect(machine.faults()).toEqual([]);
    expect(machine.leaks()).toEqual([]);
  };

  it("lead to vnodes of the machine's own tree, with what is in them", () => {
    const machine = loaded();
    const { fs } = machine;
    fs.mkdir('/d');
    fs.writeFile('/d/f', 'some text');
    expect(asked(machine, 'look', '/d/../d/./f')).toEqual([
      'pathdev: type 1, 9 bytes, on rootfs',
      "pathdev: it has 'some text'",
      'pathdev: it is /d/f',
    ]);
    expect(asked(machine, 'look', '/')).toEqual(['pathdev: type 2, 0 bytes, on rootfs', 'pathdev: it is /']);
    expect(asked(machine, 'look', '/d/none')).toEqual(['No such file or directory']);
    unloadsCleanly(machine);
  });

  it('lead to files that it makes and removes', () => {
    const machine = loaded();
    const { fs } = machine;
    expect(asked(machine, 'make', '/made')).toEqual([]);
    expect(fs.stat('/made')).toMatchObject({ kind: 'file', mode: 0o640, size: 0 });
    expect(asked(machine, 'make', '/made')).toEqual(['File exists']);
    expect(asked(machine, 'make', '/none/made')).toEqual(['No such file or directory']);
    expect(asked(machine, 'remove', '/made')).toEqual([]);
    expect(() => fs.stat('/made')).toThrow(/No such file/);
    expect(asked(machine, 'remove', '/made')).toEqual(['No such file or directory']);
    unloadsCleanly(machine);
  });

  it('lead into mounted file systems, whose own answers it gets', () => {
    const machine = loaded('tinyfs');
    machine.exec('mkdir -p /a/mnt && mount -t tinyfs tiny /a/mnt');
    expect(asked(machine, 'look', '/a/mnt')).toEqual([
      'pathdev: type 2, 2 bytes, on tinyfs',
      'pathdev: it is /a/mnt',
    ]);
    expect(asked(machine, 'look', '/a/mnt/hello').slice(0, 2)).toEqual([
      'pathdev: type 1, 19 bytes, on tinyfs',
      "pathdev: it has 'Hello from tiny'",
    ]);
    expect(asked(machine, 'make', '/a/mnt/new')).toEqual(['Read-only file system']);
    expect(machine.exec('umount /a/mnt').exit).toBe(0);
    machine.kldunload('tinyfs');
    unloadsCleanly(machine);
  });

  it('lead to file systems that it stands on: they stay mounted until it goes', () => {
    const machine = loaded('tinyfs');
    machine.exec('mkdir /mnt && mount -t tinyfs tiny /mnt');
    expect(asked(machine, 'stack', '/mnt/hello')).toEqual([]);
    expect(machine.exec('umount /mnt').stderr).toBe('umount: unmount of /mnt failed: Device busy\n');
    unloadsCleanly(machine);
    expect(machine.exec('umount /mnt').exit).toBe(0);
    machine.kldunload('tinyfs');
  });
});
