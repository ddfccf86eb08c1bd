import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../files/file-source.js';
import { EPERM } from '../../freebsd/errno.js';
import { cString, FakeKernel, runTool } from '../testing/fake-kernel.js';
import { kenv } from './kenv.js';
import { kldconfig } from './kldconfig.js';

function kernel(path = '/boot/kernel;/boot/modules', errno?: number): FakeKernel {
  const fake = new FakeKernel();
  fake.nodes.set('kern.module_path', {
    kind: 0xc0000003,
    format: 'A',
    value: cString(path),
    ...(errno && { errno }),
  });
  return fake;
}

const pathOf = (fake: FakeKernel) =>
  Buffer.from(fake.nodes.get('kern.module_path')!.value).toString().replace('\0', '');

describe('kldconfig', () => {
  it('-r shows the path', () => {
    expect(runTool(kldconfig, kernel(), ['-r'])).toEqual({
      status: 0,
      out: '/boot/kernel;/boot/modules\n',
      err: '',
    });
  });

  it('replaces the path, and with -m adds to it', () => {
    const fake = kernel();
    runTool(kldconfig, fake, ['/a', '/b/']);
    expect(pathOf(fake)).toBe('/a;/b');
    runTool(kldconfig, fake, ['-m', '/c']);
    expect(pathOf(fake)).toBe('/a;/b;/c');
    expect(runTool(kldconfig, fake, ['-mivv', '/x', '/y']).out).toBe('/a;/b;/c -> /x;/y;/a;/b;/c\n');
  });

  it('-d takes parts out, -U doubled ones, -n changes nothing', () => {
    const fake = kernel('/a;/b;/a');
    expect(runTool(kldconfig, fake, ['-Unv']).out).toBe('/a;/b\n');
    expect(pathOf(fake)).toBe('/a;/b;/a');
    runTool(kldconfig, fake, ['-d', '/b']);
    expect(pathOf(fake)).toBe('/a;/a');
  });

  it('takes directories that are there by their real path', () => {
    const fake = kernel('/boot/kernel');
    runTool(kldconfig, fake, ['-m', 'mods/../mods'], new MemoryFiles([['/home/mods/a.ko', 'x']]));
    expect(pathOf(fake)).toBe('/boot/kernel;/home/mods');
  });

  it('complains of what is there already or is not, but with -f', () => {
    expect(runTool(kldconfig, kernel(), ['-m', '/boot/kernel'])).toEqual({
      status: 1,
      out: '',
      err: 'kldconfig: already in the module search path: /boot/kernel\n',
    });
    expect(runTool(kldconfig, kernel(), ['-d', '/x'])).toMatchObject({
      status: 1,
      err: 'kldconfig: not in module search path: /x\n',
    });
    expect(runTool(kldconfig, kernel(), ['-mf', '/boot/kernel'])).toEqual({ status: 0, out: '', err: '' });
    expect(runTool(kldconfig, kernel('', EPERM), ['/x']).err).toBe(
      'kldconfig: setting path: sysctl(kern.module_path): Operation not permitted\n',
    );
    expect(runTool(kldconfig, kernel(), ['-S', 'kern.none']).err).toBe(
      'kldconfig: sysctlnametomib(kern.none): No such file or directory\n',
    );
  });

  it('wants options that go together', () => {
    const usage = 'usage:\tkldconfig [-dfimnUv] [-S sysctlname] [path ...]\n\tkldconfig -r\n';
    for (const args of [['-di'], ['-md'], ['-r', '/x']])
      expect(runTool(kldconfig, kernel(), args)).toEqual({ status: 1, out: '', err: usage });
  });
});

describe('kenv', () => {
  function environment(): FakeKernel {
    const fake = new FakeKernel();
    fake.variables.set('hint.uart.0.at', 'isa').set('kernel', 'kernel');
    return fake;
  }

  it('shows all, hints, or names', () => {
    expect(runTool(kenv, environment(), []).out).toBe('hint.uart.0.at="isa"\nkernel="kernel"\n');
    expect(runTool(kenv, environment(), ['-h']).out).toBe('hint.uart.0.at="isa"\n');
    expect(runTool(kenv, environment(), ['-N']).out).toBe('hint.uart.0.at\nkernel\n');
    expect(runTool(kenv, environment(), ['-l'])).toEqual({
      status: 255,
      out: '',
      err: 'kenv: requested environment is unavailable\n',
    });
  });

  it('shows one, sets, and unsets', () => {
    const fake = environment();
    expect(runTool(kenv, fake, ['kernel']).out).toBe('kernel\n');
    expect(runTool(kenv, fake, ['-v', 'kernel']).out).toBe('kernel="kernel"\n');
    expect(runTool(kenv, fake, ['hw.a=1=2'])).toEqual({ status: 0, out: 'hw.a="1=2"\n', err: '' });
    expect(runTool(kenv, fake, ['-u', 'hw.a'])).toEqual({ status: 0, out: '', err: '' });
    expect(runTool(kenv, fake, ['hw.a'])).toEqual({
      status: 255,
      out: '',
      err: 'kenv: unable to get hw.a\n',
    });
    expect(runTool(kenv, fake, ['-u', 'hw.a']).err).toBe('kenv: unable to unset hw.a\n');
    expect(runTool(kenv, fake, ['full=1']).err).toBe('kenv: unable to set full to 1\n');
    expect(runTool(kenv, fake, ['-q', 'hw.a'])).toEqual({ status: 255, out: '', err: '' });
  });

  it('wants options that go together', () => {
    for (const args of [['-v'], ['-u'], ['-h', 'a'], ['a', 'b'], ['-l', '-s']])
      expect(runTool(kenv, environment(), args)).toMatchObject({
        status: 1,
        err: expect.stringMatching(/^usage: kenv /),
      });
  });
});
