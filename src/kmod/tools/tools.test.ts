import { describe, expect, it } from 'vitest';
import { MemoryFiles, ModuleTree } from '../index.js';
import { type Captured, runTool } from '../testing/captured-host.js';
import { insmod } from './insmod.js';
import { kmod } from './kmod.js';
import { lsmod } from './lsmod.js';
import { modprobe } from './modprobe.js';
import { argumentsIn } from './modprobe-options.js';
import { moduleOptions } from './module-options.js';
import { rmmod } from './rmmod.js';

const DIR = '/lib/modules/6.1.0-53-amd64';
const TREE: readonly (readonly [string, string])[] = [
  [`${DIR}/modules.dep`, 'a/one.ko: a/two.ko\na/two.ko:\n'],
  [`${DIR}/a/one.ko`, ''],
  [`${DIR}/a/two.ko`, ''],
  [`${DIR}/modules.builtin`, 'kernel/fs/inside.ko\n'],
];

/** A running system as /proc and /sys show it. */
const RUNNING: readonly (readonly [string, string])[] = [
  ['/proc/modules', 'one 16384 0 - Live 0x0\ntwo 20480 1 one,[permanent], Live 0x0 (OE)\n'],
  ['/sys/module/one/initstate', 'live\n'],
  ['/sys/module/one/refcnt', '0\n'],
  ['/sys/module/two/initstate', 'live\n'],
  ['/sys/module/two/coresize', '24576\n'],
  ['/sys/module/two/refcnt', '1\n'],
  ['/sys/module/two/holders/one/x', ''],
  ['/sys/module/starting/version', '1\n'],
];

const on = (files: readonly (readonly [string, string])[], tool: typeof lsmod, ...args: string[]): Captured =>
  runTool(tool, new MemoryFiles([...TREE, ...files]), args);

describe('holders', () => {
  it('whose names have dots are named as libkmod names them', () => {
    const files = new MemoryFiles([
      ['/proc/modules', 'a 4096 1 b, Live 0x0\n'],
      ['/sys/module/a/holders/.hidden/x', ''],
      ['/sys/module/a/holders/b/x', ''],
    ]);
    expect(runTool(lsmod, files, []).stdout).toContain('a                       4096  1 ,b\n');
    expect(runTool(kmod, new MemoryFiles(), ['list']).stderr).toMatch(/^kmod: ERROR: could not open/);
  });
});

describe('lsmod, outside of a machine', () => {
  it('lists what /proc and /sys tell', () => {
    expect(on(RUNNING, lsmod)).toEqual({
      exit: 0,
      stdout:
        'Module                  Size  Used by\none                    16384  0\ntwo                    24576  1 one\n',
      stderr: '',
    });
    expect(JSON.parse(on(RUNNING, lsmod, '--json').stdout)).toEqual([
      { name: 'one', size: 16384, refcount: 0, usedBy: [] },
      { name: 'two', size: 24576, refcount: 1, usedBy: ['one'] },
    ]);
  });

  it('says where there is nothing to list', () => {
    expect(on([], lsmod)).toMatchObject({
      exit: 1,
      stderr:
        'lsmod: ERROR: could not open /proc/modules: No such file or directory\nlsmod: ERROR: could not get list of modules: No such file or directory\n',
    });
    expect(on([], lsmod, 'x').stderr).toBe('lsmod: ERROR: too many arguments provided.\n');
  });
});

describe('nothing is done to the kernel of the host', () => {
  const refusal = (tool: string): string =>
    `modbox: ${tool}: no base kernel is up to act on; 'modbox shell' starts one with ${tool} in it, and 'modbox run MODULE' loads a module and reports\n`;

  it.each([
    ['insmod', insmod, [`${DIR}/a/one.ko`]],
    ['rmmod', rmmod, ['one']],
    ['modprobe', modprobe, ['one']],
    ['modprobe', modprobe, ['-r', 'one']],
  ] as const)('by %s', (name, tool, args) => {
    const loaded = args[0] === '-r' || name === 'rmmod';
    expect(on(loaded ? RUNNING : [], tool, ...args)).toEqual({ exit: 1, stdout: '', stderr: refusal(name) });
  });

  it('and what can be told without one is', () => {
    expect(on(RUNNING, modprobe, 'one').exit).toBe(0);
    expect(on(RUNNING, modprobe, '--first-time', 'one').stderr).toBe(
      "modprobe: ERROR: could not insert 'one': Module already in kernel\n",
    );
    expect(on(RUNNING, modprobe, '-r', 'two').stderr).toBe('modprobe: FATAL: Module two is in use.\n');
    expect(on(RUNNING, modprobe, '-r', 'inside').stderr).toBe('modprobe: FATAL: Module inside is builtin.\n');
    expect(on([], modprobe, '-r', '--first-time', 'one').stderr).toBe(
      'modprobe: FATAL: Module one is not in kernel.\n',
    );
    expect(on(RUNNING, rmmod, 'two', 'nothing').stderr).toBe(
      'rmmod: ERROR: Module two is in use by: one\nrmmod: ERROR: Module nothing is not currently loaded\n',
    );
    expect(on([], insmod, '/nothing.ko').stderr).toBe(
      'insmod: ERROR: could not load module /nothing.ko: No such file or directory\n',
    );
  });
});

describe('modprobe', () => {
  it('tells the log with -s that there is none', () => {
    expect(on([], modprobe, '-s', 'nothing').stderr).toBe(
      `modbox: modprobe: there is no syslog here, messages go to stderr\nmodprobe: FATAL: Module nothing not found in directory ${DIR}\n`,
    );
  });

  it('goes by $MODPROBE_OPTIONS', () => {
    const files = new MemoryFiles([...TREE]);
    const environment = { MODPROBE_OPTIONS: '-q -n' };
    expect(runTool(modprobe, files, ['nothing'], { environment })).toEqual({
      exit: 1,
      stdout: '',
      stderr: '',
    });
    expect(argumentsIn(`-C 'a b' "c"d e"f g"h "open`)).toEqual(['-C', 'a b', '', 'c', 'd', 'ef gh', '"open']);
  });

  it('does not say what is wrong with the configuration where $KMOD_LOG is low', () => {
    const files = new MemoryFiles([...TREE, ['/etc/modprobe.d/x.conf', 'nonsense\n']]);
    const problem =
      "libkmod: ERROR: kmod_config_parse: /etc/modprobe.d/x.conf line 1: ignoring bad line starting with 'nonsense'\n";
    expect(runTool(modprobe, files, ['-q', '-R', 'one']).stderr).toBe(problem);
    expect(runTool(modprobe, files, ['-R', 'one'], { environment: { KMOD_LOG: '2' } }).stderr).toBe('');
  });

  it('tells of damage in the index, with file and offset, and goes on without', () => {
    const files: readonly (readonly [string, string])[] = [[`${DIR}/modules.alias.bin`, 'this is no index']];
    const damage = `modprobe: ERROR: magic check fail: 74686973 instead of b007f457\nmodbox: ${DIR}/modules.alias.bin: magic (at 0x0): 0x74686973 instead of 0xb007f457\n`;
    expect(on(files, modprobe, '-R', 'one')).toEqual({ exit: 0, stdout: 'one\n', stderr: damage });
    expect(on(files, modprobe, '-R', 'fs-one')).toMatchObject({ exit: 1 });
  });

  it('takes a directory in place of an index for what cannot be mapped', () => {
    const { exit, stderr } = on([[`${DIR}/modules.alias.bin/file`, '']], modprobe, '-R', 'fs-one');
    expect(exit).toBe(1);
    expect(stderr).toMatch(
      /^modprobe: ERROR: mmap\(NULL, \d+, PROT_READ, MAP_PRIVATE, 3, 0\): No such device\nmodbox: /,
    );
  });

  it('writes JSON', () => {
    expect(JSON.parse(on([], modprobe, '--json', '-D', 'one', 'x=1').stdout)).toEqual([
      {
        module: 'two',
        action: 'insmod',
        path: `${DIR}/a/two.ko`,
        command: null,
        options: '',
        required: true,
      },
      {
        module: 'one',
        action: 'insmod',
        path: `${DIR}/a/one.ko`,
        command: null,
        options: 'x=1',
        required: true,
      },
    ]);
    expect(JSON.parse(on([], modprobe, '--json', '-R', 'inside').stdout)).toEqual([
      { module: 'inside', alias: null, builtin: true },
    ]);
    const config: readonly (readonly [string, string])[] = [
      ['/etc/modprobe.d/x.conf', 'softdep one pre: two\nblacklist two\noptions one a=1\ninstall two true\n'],
    ];
    expect(JSON.parse(on(config, modprobe, '--json', '-c').stdout)).toMatchObject({
      blacklist: ['two'],
      install: [{ module: 'two', command: 'true' }],
      options: [{ module: 'one', options: 'a=1' }],
      softdeps: [{ module: 'one', pre: ['two'], post: [] }],
      indexAliases: [],
    });
  });

  it('gives a value with blanks in quotes', () => {
    expect(moduleOptions(['a=b c', 'd="e f"', "g='h i'", 'j k', 'l='])).toBe(
      `a="b c" d="e f" g='h i' j k l=`,
    );
  });
});

describe('a tree as a library has it', () => {
  const files = new MemoryFiles([
    ...TREE,
    ['/etc/modprobe.d/x.conf', 'options one a=1\nsoftdep one post: two\n'],
  ]);

  it('is opened by its directory or by its root', () => {
    for (const place of [DIR, `${DIR}/`, '/']) {
      const tree = ModuleTree.open(place, { files });
      expect(tree.release).toBe('6.1.0-53-amd64');
      expect([...tree.modules()].map(({ name }) => name)).toEqual(['one', 'two']);
      expect(tree.dependencies('one')).toEqual(['two']);
      expect(tree.softdeps('one')).toEqual({ pre: [], post: ['two'] });
      expect(tree.options('one')).toBe('a=1');
      expect(tree.module('nothing')).toBeUndefined();
    }
    expect(() => ModuleTree.open('/nowhere', { files })).toThrow(
      '/nowhere/lib/modules: no modules are there',
    );
  });
});
