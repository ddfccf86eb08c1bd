import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../files/file-source.js';
import { EBUSY, EEXIST, ENOEXEC } from '../../freebsd/errno.js';
import { cString, FakeKernel, runTool } from '../testing/fake-kernel.js';
import { kldload } from './kldload.js';
import { kldunload } from './kldunload.js';

function kernel(): FakeKernel {
  const fake = new FakeKernel();
  fake.nodes.set('kern.module_path', {
    kind: 0xc0000003,
    format: 'A',
    value: cString('/boot/kernel;/boot/modules'),
  });
  fake.loads.set('nmdm', { value: 4 });
  fake.loads.set('echo.ko', { value: 5 });
  fake.loads.set('twice', { errno: EEXIST });
  fake.loads.set('bad', { errno: ENOEXEC });
  return fake;
}

describe('kldload', () => {
  it('says nothing when it works, and with -v the id', () => {
    expect(runTool(kldload, kernel(), ['nmdm'])).toEqual({ status: 0, out: '', err: '' });
    expect(runTool(kldload, kernel(), ['-v', 'nmdm']).out).toBe('Loaded nmdm, id=4\n');
  });

  it('tells what went wrong in its words, and goes on', () => {
    const fake = kernel();
    expect(runTool(kldload, fake, ['none', 'twice', 'bad', 'nmdm'])).toEqual({
      status: 1,
      out: '',
      err:
        "kldload: can't load none: No such file or directory\n" +
        "kldload: can't load twice: module already loaded or in kernel\n" +
        'kldload: an error occurred while loading module bad. Please check dmesg(8) for more details.\n',
    });
    expect(fake.calls).toHaveLength(4);
  });

  it('-q says nothing of it, and -n takes what is loaded for done', () => {
    expect(runTool(kldload, kernel(), ['-q', 'none'])).toEqual({ status: 1, out: '', err: '' });
    expect(runTool(kldload, kernel(), ['-n', 'twice'])).toEqual({ status: 0, out: '', err: '' });
    expect(runTool(kldload, kernel(), ['-nv', 'twice']).out).toBe('twice is already loaded\n');
  });

  it('warns where a file of this name is here and another one is in the module path', () => {
    const both = new MemoryFiles([
      ['/home/echo.ko', 'a'],
      ['/boot/modules/echo.ko', 'b'],
    ]);
    expect(runTool(kldload, kernel(), ['echo.ko'], both)).toMatchObject({
      status: 0,
      err: 'kldload: echo.ko will be loaded from /boot/modules, not the current directory\n',
    });
    expect(runTool(kldload, kernel(), ['-q', 'echo.ko'], both).err).toBe('');
  });

  it('refuses a file that is only here, unless a path says so', () => {
    const here = new MemoryFiles([['/home/echo.ko', 'a']]);
    const fake = kernel();
    expect(runTool(kldload, fake, ['echo.ko'], here)).toMatchObject({
      status: 1,
      err: 'kldload: echo.ko is not in the module path\n',
    });
    expect(fake.calls).toEqual([]);
    runTool(kldload, fake, ['./echo.ko'], here);
    expect(fake.calls).toEqual(['kldload ./echo.ko']);
  });

  it('wants a name', () => {
    expect(runTool(kldload, kernel(), [])).toEqual({
      status: 1,
      out: '',
      err: 'usage: kldload [-nqv] file ...\n',
    });
    expect(runTool(kldload, kernel(), ['-z']).err).toMatch(/^kldload: illegal option -- z\nusage: /);
  });
});

describe('kldunload', () => {
  function loaded(): FakeKernel {
    const fake = new FakeKernel();
    fake.files = [
      {
        id: 3,
        name: 'nmdm.ko',
        refs: 1,
        address: 0n,
        size: 1,
        pathname: '/boot/kernel/nmdm.ko',
        modules: [],
      },
    ];
    return fake;
  }

  it('takes names and, with -i, ids', () => {
    const fake = loaded();
    expect(runTool(kldunload, fake, ['nmdm'])).toEqual({ status: 0, out: '', err: '' });
    expect(runTool(kldunload, fake, ['-fi', '3', '7x'])).toEqual({ status: 0, out: '', err: '' });
    expect(runTool(kldunload, fake, ['-v', '-n', 'nmdm.ko']).out).toBe('Unloading nmdm.ko, id=3\n');
    expect(fake.calls).toEqual([
      'kldunloadf 3 false',
      'kldunloadf 3 true',
      'kldunloadf 7 true',
      'kldunloadf 3 false',
    ]);
  });

  it('ends at the first that cannot be unloaded', () => {
    const fake = loaded();
    expect(runTool(kldunload, fake, ['none', 'nmdm'])).toMatchObject({
      status: 1,
      err: "kldunload: can't find file none\n",
    });
    fake.unloadErrno = EBUSY;
    expect(runTool(kldunload, fake, ['nmdm'])).toMatchObject({
      status: 1,
      err: "kldunload: can't unload file: Device busy\n",
    });
    expect(runTool(kldunload, fake, ['-vi', '9'])).toMatchObject({
      status: 1,
      err: "kldunload: can't stat file: No such file or directory\n",
    });
    expect(runTool(kldunload, fake, ['-i', '--', '-3'])).toMatchObject({
      status: 1,
      err: 'kldunload: Invalid ID (null)\n',
    });
  });

  it('has the exit status of sysexits for a wrong command line', () => {
    const usage = 'usage: kldunload [-fv] -i id ...\n       kldunload [-fv] [-n] name ...\n';
    expect(runTool(kldunload, loaded(), [])).toEqual({ status: 64, out: '', err: usage });
  });
});
