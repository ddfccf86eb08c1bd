import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../files/file-source.js';
import { modulesToLoad } from './modules-load.js';

const names = (files: readonly (readonly [string, string])[], cmdline = ''): string[] =>
  modulesToLoad(new MemoryFiles(files), cmdline).map(({ name }) => name);

describe('modules to load at boot', () => {
  it('are a name a line; empty lines and comments do not count', () => {
    const text = '# one\n; two\n\n  loop  \n\tdm-mod\n#no\nchar-major-10-200\nlp parport=1\r\n';
    expect(modulesToLoad(new MemoryFiles([['/etc/modules-load.d/a.conf', text]]), '')).toEqual([
      { name: 'loop', from: '/etc/modules-load.d/a.conf:4' },
      { name: 'dm-mod', from: '/etc/modules-load.d/a.conf:5' },
      { name: 'char-major-10-200', from: '/etc/modules-load.d/a.conf:7' },
      { name: 'lp parport=1', from: '/etc/modules-load.d/a.conf:8' },
    ]);
  });

  it('come by the names of the files, wherever those are, and a file hides others of its name', () => {
    const files = [
      ['/usr/lib/modules-load.d/10-a.conf', 'hidden'],
      ['/usr/lib/modules-load.d/30-c.conf', 'c'],
      ['/lib/modules-load.d/30-c.conf', 'hidden'],
      ['/lib/modules-load.d/50-e.conf', 'e'],
      ['/run/modules-load.d/20-b.conf', 'b'],
      ['/usr/local/lib/modules-load.d/40-d.conf', 'd'],
      ['/etc/modules-load.d/10-a.conf', 'a'],
      ['/etc/modules-load.d/20-b.conf', '# masked'],
      ['/etc/modules-load.d/notes.txt', 'no'],
      ['/etc/modules-load.d/.hidden.conf', 'no'],
      ['/etc/modules-load.d/folder.conf/x.conf', 'no'],
    ] as const;
    expect(names(files)).toEqual(['a', 'c', 'd', 'e']);
  });

  it('are those of the command line first, of rd.modules-load= before all', () => {
    const files = [['/etc/modules-load.d/a.conf', 'file']] as const;
    const cmdline =
      'quiet modules-load=one,two rd.modules_load=zero "modules_load=three" xmodules-load=no modules-load= ';
    expect(names(files, cmdline)).toEqual(['zero', 'one', 'two', 'three', 'file']);
  });
});
