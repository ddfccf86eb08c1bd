import { describe, expect, it, vi } from 'vitest';
import { MemoryFiles } from '../kmod/index.js';
import { PackagedModules } from './packaged-modules.js';

describe('the tree of a target that was added from a package', () => {
  const open = vi.fn(
    () =>
      new MemoryFiles([
        ['/lib/modules/6.1/kernel/a.ko', 'module'],
        ['/etc/modprobe.d/a.conf', 'x'],
      ]),
  );
  const files = new PackagedModules(open, '6.1');

  it('has the modules of the release, and is opened when they are asked for', () => {
    expect(files.list('/')).toEqual([{ name: 'lib', kind: 'directory' }]);
    expect(files.list('/lib')).toEqual([{ name: 'modules', kind: 'directory' }]);
    expect(files.info('/lib/modules/6.1')?.kind).toBe('directory');
    expect(files.read('/etc/modprobe.d/a.conf')).toBeUndefined();
    expect(files.list('/etc')).toBeUndefined();
    expect(open).not.toHaveBeenCalled();
    expect(new TextDecoder().decode(files.read('/lib/modules/6.1/kernel/a.ko'))).toBe('module');
    expect(files.list('/lib/modules/6.1')).toEqual([{ name: 'kernel', kind: 'directory' }]);
    expect(open).toHaveBeenCalledTimes(1);
  });
});
