import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageTree } from '../../testing/corpus.js';
import { type SmallModule, smallModule } from '../../testing/small-module.js';
import { runDepmod } from '../node/depmod/run-depmod.js';
import { DiskFiles } from '../node/disk-files.js';

const RELEASE = '6.1.0';

/** Files by path from lib/modules/RELEASE (or, with a '/' in front, from the root); a string starting with '->' is a link. */
type Tree = Readonly<Record<string, SmallModule | Uint8Array | string>>;

interface Scenario {
  readonly what: string;
  readonly tree: Tree;
  /** ROOT stands for the tree's root. */
  readonly args?: readonly string[];
  /** kmod 30 does not do this as kmod 34 does. */
  readonly newerOnly?: boolean;
}

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly files: Readonly<Record<string, string>>;
}

const COMMON: Tree = { 'modules.order': '', 'modules.builtin': '', 'modules.builtin.modinfo': '' };
const exporting = (...names: string[]): SmallModule => ({
  exports: Object.fromEntries(names.map((name, i) => [name, 0x1000 + i])),
});
const needing = (names: readonly string[], more: SmallModule = {}): SmallModule => ({
  ...more,
  needs: Object.fromEntries(names.map((name) => [name, 0x1000])),
});
/** Module NAME exports `NAME_sym` and needs those of others. */
const node = (name: string, ...needs: string[]): SmallModule =>
  needing(
    needs.map((other) => `${other}_sym`),
    exporting(`${name}_sym`),
  );
const graph = (edges: Readonly<Record<string, readonly string[]>>): Tree => ({
  ...COMMON,
  ...Object.fromEntries(
    Object.entries(edges).map(([name, needs]) => [`kernel/${name}.ko`, node(name, ...needs)]),
  ),
});
const conf = (text: string, tree: Tree): Tree => ({ ...COMMON, ...tree, '/conf/a.conf': text });
const TWICE: Tree = {
  'kernel/one.ko': { modinfo: ['alias=from-kernel'] },
  'updates/one.ko': { modinfo: ['alias=from-updates'] },
  'extra/one.ko': { modinfo: ['alias=from-extra'] },
};
const CONF = ['-C', 'ROOT/conf'];

const SCENARIOS: readonly Scenario[] = [
  { what: 'a chain', tree: graph({ a: ['b'], b: ['c'], c: [] }) },
  { what: 'two ways to the same', tree: graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [], e: ['a', 'd'] }) },
  {
    what: 'modules.order',
    tree: {
      ...graph({ a: ['b'], b: [], c: [], d: ['a', 'c'] }),
      'modules.order': 'kernel/d.ko\nkernel/none.ko\nkernel/b.ko\n',
    },
  },
  {
    what: 'modules.order with a module twice',
    tree: { ...graph({ a: [], b: [], c: [] }), 'modules.order': 'kernel/c.ko\nkernel/b.ko\nkernel/c.ko\n' },
    newerOnly: true,
  },
  { what: 'weak symbols', tree: { ...graph({ b: [] }), 'kernel/a.ko': { weak: ['b_sym', 'nobody'] } } },
  { what: '-v', tree: graph({ a: ['b'], b: [] }), args: ['-v'] },
  { what: '-n', tree: graph({ a: ['b'], b: [] }), args: ['-n'] },
  { what: '-n -v', tree: graph({ a: ['b'], b: [] }), args: ['-n', '-v'] },
  { what: 'no modules', tree: { ...COMMON } },
  { what: 'nothing beside the modules', tree: { 'kernel/a.ko': node('a') } },
  { what: 'a circle of two', tree: graph({ a: ['b'], b: ['a'] }) },
  { what: 'a circle of one', tree: graph({ a: ['a'], b: [] }) },
  {
    what: 'a circle of three with a user',
    tree: graph({ u: ['a'], a: ['b'], b: ['c'], c: ['a'] }),
    newerOnly: true,
  },
  {
    what: 'two circles',
    tree: graph({ a: ['b'], b: ['a'], x: ['y'], y: ['z'], z: ['x'], free: [] }),
    newerOnly: true,
  },
  { what: 'what a circle needs', tree: graph({ a: ['b'], b: ['a', 'leaf'], leaf: [] }), newerOnly: true },
  {
    what: 'what a circle needs twice',
    tree: graph({ a: ['b', 'leaf'], b: ['a', 'leaf'], leaf: [] }),
    newerOnly: true,
  },
  {
    what: 'updates first',
    tree: { ...COMMON, 'kernel/one.ko': TWICE['kernel/one.ko'], 'updates/one.ko': TWICE['updates/one.ko'] },
  },
  { what: 'search', tree: conf('search extra updates built-in\n', TWICE), args: CONF },
  { what: 'search with built-in first', tree: conf('search built-in extra updates\n', TWICE), args: CONF },
  {
    what: 'search over two lines and files',
    tree: { ...conf('search extra \\\n built-in\n', TWICE), '/conf/b.conf': 'search updates\n' },
    args: CONF,
  },
  { what: 'override', tree: conf('override one * kernel\n', TWICE), args: CONF },
  {
    what: 'override for another kernel',
    tree: conf('override one ^5\\.10 kernel\nsearch extra updates built-in\n', TWICE),
    args: [...CONF, '-vv'],
    newerOnly: true,
  },
  { what: 'exclude', tree: conf('exclude updates\nsearch updates extra built-in', TWICE), args: CONF },
  {
    what: 'external',
    tree: {
      ...conf('external ^6.1 ROOT/ext\nsearch external updates built-in\n', {
        'kernel/one.ko': TWICE['kernel/one.ko'],
      }),
      '/ext/one.ko': { modinfo: ['alias=from-outside'] },
      '/ext/two.ko': {},
    },
    args: CONF,
  },
  {
    what: 'an external directory that is not there',
    tree: conf('external * ROOT/none\n', TWICE),
    args: CONF,
  },
  {
    what: 'wrong lines',
    tree: conf('# comment\n\n  \t\nserch x\noverride one *\nexternal *\n bad \\\nline', TWICE),
    args: CONF,
  },
  {
    what: 'a configuration file twice',
    tree: {
      ...COMMON,
      ...TWICE,
      '/c1/a.conf': 'search extra built-in\n',
      '/c2/a.conf': 'search updates built-in\n',
      '/c2/b.conf': 'include x\nmake_map_files no\n',
      '/c2/odd': 'x',
      '/c2/d.conf/x': '',
    },
    args: ['-C', 'ROOT/c1', '-C', 'ROOT/c2', '-C', 'ROOT/none'],
  },
  {
    what: 'a configuration that is one file',
    tree: { ...COMMON, ...TWICE, '/c1/any': 'search extra built-in\n' },
    args: ['-C', 'ROOT/c1/any'],
  },
  {
    what: 'a module that is none',
    tree: { ...graph({ a: [] }), 'kernel/junk.ko': 'this is no module, really\n' },
  },
  {
    what: 'tiny and empty modules',
    tree: { ...graph({ a: [] }), 'kernel/tiny.ko': 'x', 'kernel/empty.ko': '' },
  },
  {
    what: 'a module cut off',
    tree: { ...graph({ a: [] }), 'kernel/cut.ko': smallModule(node('cut')).slice(0, 200) },
  },
  {
    what: 'names',
    tree: {
      ...COMMON,
      'kernel/a-b_c.ko': {},
      'kernel/x.y.ko': {},
      'kernel/.ko': {},
      'kernel/no.o': {},
      'build/b.ko': {},
      'k/source/s.ko': {},
      'top.ko': {},
    },
  },
  {
    what: 'modules.order without its last newline',
    tree: { ...graph({ a: [], b: [], c: [] }), 'modules.order': 'kernel/c.ko\nkernel/b.ko' },
  },
  {
    what: 'modules.order with a long line',
    tree: { ...graph({ a: [], b: [] }), 'modules.order': `kernel/b.ko\n${'x'.repeat(5000)}\nkernel/a.ko\n` },
  },
  {
    what: 'modules.order with NULs',
    tree: { ...graph({ a: [], b: [] }), 'modules.order': '\0\nkernel/b.ko\0x\nkernel/a.ko\n' },
  },
  {
    what: 'modules.builtin',
    tree: {
      ...COMMON,
      'modules.builtin': 'kernel/fs/a-b.ko\nkernel/c.ko\nkernel/c.ko\n1bad\n\nnodot\nkernel/last.ko',
    },
  },
  {
    what: 'modules.builtin.modinfo',
    tree: {
      ...COMMON,
      'modules.builtin.modinfo':
        'a.alias=x-*\0a.license=GPL\0b.alias=[a-b]-c\0b.alias=un]matched\0b.alias=un[matched\0noequals\0c.alias=\0.alias=x\0d.file=k/d\0d.alias=last',
    },
  },
  {
    what: 'modules.builtin.modinfo with long fields',
    tree: {
      ...COMMON,
      'modules.builtin.modinfo': `a.alias=${'v'.repeat(4096)}\0a.alias=${'w'.repeat(4095)}\0${'n'.repeat(4100)}.alias=x\0b.alias=y\0`,
    },
  },
  {
    what: 'aliases',
    tree: {
      ...COMMON,
      'kernel/a.ko': {
        modinfo: [
          'alias=p-q*[0-9]-x',
          'alias=p-q*[0-9]-x',
          'alias=bad]',
          'softdep=pre: b',
          'weakdep=c d',
          'alias=',
        ],
      },
      'kernel/b.ko': { modinfo: ['alias=p-q*[0-9]-x', 'alias=p'] },
    },
    args: ['-w'],
  },
  {
    what: 'an alias that is not ASCII',
    tree: { ...COMMON, 'kernel/a.ko': { modinfo: ['alias=caf\u00c3\u00a9'] } },
    args: ['-n'],
  },
  {
    what: 'devices',
    tree: {
      ...COMMON,
      'kernel/a.ko': { modinfo: ['alias=char-major-10-200', 'alias=devname:net/tun'] },
      'kernel/b.ko': { modinfo: ['alias=devname:nothing'] },
      'kernel/c.ko': {
        modinfo: [
          'alias=devname:x',
          'alias=block-major-7-*',
          'alias=block-major-8-+3',
          'alias=char-major-9-1',
        ],
      },
      'kernel/d.ko': { modinfo: ['alias=char-major-4294967297-99999999999999999999', 'alias=devname:big'] },
    },
  },
  {
    what: 'the same symbol twice',
    tree: {
      ...COMMON,
      'kernel/a.ko': exporting('dup', 'own'),
      'kernel/b.ko': exporting('dup'),
      'kernel/c.ko': needing(['dup']),
    },
    args: ['-w'],
  },
  {
    what: 'functions with a dot',
    tree: { ...COMMON, 'kernel/a.ko': exporting('fn'), 'kernel/b.ko': needing(['.fn']) },
  },
  {
    what: '-P',
    tree: { ...COMMON, 'kernel/a.ko': exporting('_fn', 'gn'), 'kernel/b.ko': needing(['_gn', 'fn']) },
    args: ['-P', '_'],
  },
  {
    what: '-e -F',
    tree: {
      ...graph({ a: ['b', 'z'], b: [] }),
      '/map': 'ffff T start\nffff r __ksymtab_known\nbad\nffff r __ksymtab_x\n',
      'kernel/k.ko': needing(['known', 'unknown']),
    },
    args: ['-e', '-F', 'ROOT/map'],
  },
  {
    what: '-e -E',
    tree: {
      ...graph({ b: [] }),
      '/sv':
        '0x00001000\tgood\tvmlinux\tEXPORT_SYMBOL\n0x2000\tother\tvmlinux\tE\n0x1\tmod\tkernel/x\tE\nshort\n0x1000\tlast\tvmlinux\n',
      'kernel/k.ko': needing(['good', 'other', 'b_sym', 'last', 'mod']),
    },
    args: ['-e', '-E', 'ROOT/sv'],
  },
  { what: '-e alone', tree: graph({ a: ['none'] }), args: ['-e'] },
  { what: '-E without such a file', tree: graph({ a: [] }), args: ['-E', 'ROOT/none'] },
  { what: '-F without such a file', tree: graph({ a: [] }), args: ['-F', 'ROOT/none'] },
  {
    what: 'links',
    tree: {
      ...graph({ a: [] }),
      'kernel/link.ko': '->a.ko',
      'kernel/nowhere.ko': '->none',
      'l/dir': '->../kernel',
    },
  },
  {
    what: 'modules by path',
    tree: graph({ a: ['b'], b: [], c: [] }),
    args: [RELEASE, 'ROOT/lib/modules/6.1.0/kernel/a.ko', 'ROOT/lib/modules/6.1.0/kernel/b.ko'],
  },
  {
    what: 'the same module by path twice',
    tree: graph({ a: [] }),
    args: [RELEASE, 'ROOT/lib/modules/6.1.0/kernel/a.ko', 'ROOT/lib/modules/6.1.0/kernel/a.ko'],
  },
  {
    what: 'two modules of one name by path',
    tree: { ...graph({ a: [] }), 'x/a.ko': {} },
    args: [RELEASE, 'ROOT/lib/modules/6.1.0/kernel/a.ko', 'ROOT/lib/modules/6.1.0/x/a.ko'],
    newerOnly: true,
  },
  { what: 'a relative path', tree: graph({ a: [] }), args: [RELEASE, 'a.ko'] },
  { what: 'a path of nothing', tree: graph({ a: [] }), args: [RELEASE, '/none/a.ko'] },
  {
    what: 'a directory as a module',
    tree: graph({ a: [] }),
    args: [RELEASE, 'ROOT/lib/modules/6.1.0/kernel'],
  },
  { what: 'no such release', tree: graph({ a: [] }), args: ['6.2.0'] },
  { what: 'a bad version', tree: graph({ a: [] }), args: ['six'] },
  { what: '-P of two characters', tree: graph({}), args: ['-P', 'ab'] },
  { what: 'an unknown option', tree: graph({}), args: ['--nothing'] },
  { what: 'an option without its argument', tree: graph({}), args: [RELEASE, '-b'] },
  { what: 'an ambiguous option', tree: graph({}), args: ['--s'] },
  { what: '--help', tree: graph({}), args: ['--help'], newerOnly: true },
  { what: '-A where there is no index', tree: graph({ a: [] }), args: ['-A'] },
  { what: '-A where all is older', tree: { ...graph({ a: [] }), 'modules.dep': 'old' }, args: ['-A'] },
  { what: '-m', tree: { '/mods/6.1.0/a.ko': node('a') }, args: ['-m', '/mods'], newerOnly: true },
  { what: '-o', tree: graph({ a: ['b'], b: [] }), args: ['-o', 'ROOT/out'], newerOnly: true },
];

function plant(root: string, tree: Tree): void {
  for (const [name, content] of Object.entries(tree)) {
    const path = name.startsWith('/') ? join(root, name) : join(root, 'lib/modules', RELEASE, name);
    mkdirSync(dirname(path), { recursive: true });
    if (typeof content === 'string' && content.startsWith('->')) symlinkSync(content.slice(2), path);
    else if (typeof content === 'string') writeFileSync(path, content.replaceAll('ROOT', root));
    else writeFileSync(path, content instanceof Uint8Array ? content : smallModule(content));
  }
}

/** The files that were made, binary ones in hexadecimal. */
function filesBelow(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/^modules\./.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(root.length)] = readFileSync(path, entry.name.endsWith('.bin') ? 'hex' : 'utf8');
  }
  return found;
}

const arguments_ = (args: readonly string[], root: string): string[] => [
  '-b',
  root,
  ...args.map((arg) => arg.replaceAll('ROOT', root)),
  ...(args.some((arg) => /^\d|^six/.test(arg)) ? [] : [RELEASE]),
];

async function ours(args: readonly string[], root: string): Promise<Outcome> {
  let out = '';
  let err = '';
  const status = await runDepmod(
    {
      root: '',
      files: new DiskFiles(''),
      environment: { MODBOX_CACHE: 'off' },
      release: RELEASE,
      absolute: (path) => join(process.cwd(), path),
      out: (data) => {
        out += typeof data === 'string' ? data : new TextDecoder().decode(data);
      },
      err: (text) => {
        err += text;
      },
    },
    arguments_(args, root),
  );
  return { status, out, err, files: filesBelow(root) };
}

function theirs(depmod: string, args: readonly string[], root: string): Outcome {
  const { status, stdout, stderr } = spawnSync(depmod, arguments_(args, root), { encoding: 'utf8' });
  const err = stderr
    .replaceAll(`${depmod}: `, 'depmod: ')
    .split('\n')
    .filter((line) => !/INFO: (?:custom logging function|context) 0x/.test(line))
    .join('\n');
  return { status: status ?? -1, out: stdout, err, files: filesBelow(root) };
}

let folder = '';
let debian: string | undefined;
/** A depmod of kmod 34, which no package of Debian 12 has: its messages and text files count. */
const newer = process.env.MODBOX_DEPMOD34;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-depmod-'));
  const tree = await packageTree('kmod');
  debian = tree && join(folder, 'depmod');
  if (debian)
    symlinkSync(join(tree!, existsSync(join(tree!, 'bin/kmod')) ? 'bin/kmod' : 'usr/bin/kmod'), debian);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const textOnly = ({ files, ...rest }: Outcome, weakdep: boolean): Outcome => ({
  ...rest,
  files: Object.fromEntries(
    Object.entries(files).filter(
      ([name]) => !name.endsWith('.bin') && (weakdep || !name.endsWith('.weakdep')),
    ),
  ),
});
const binaryOnly = ({ files }: Outcome): Outcome['files'] =>
  Object.fromEntries(Object.entries(files).filter(([name]) => name.endsWith('.bin')));
/** What kmod 30 says otherwise: it prints no modules.weakdep. */
const asOlder = (outcome: Outcome): Outcome => ({
  ...outcome,
  out: outcome.out.replace(/# Weak dependencies extracted from modules themselves\.\n(weakdep .*\n)*/, ''),
});

describe('depmod does as kmod does', () => {
  for (const { what, tree, args = [], newerOnly } of SCENARIOS) {
    it(what, async (context) => {
      const depmod = newerOnly ? newer : (debian ?? newer);
      if (depmod === undefined) return context.skip();
      const root = mkdtempSync(join(folder, 'tree-'));
      // The same root for both: it is in the messages.
      plant(root, tree);
      const expected = theirs(depmod, args, root);
      const expected34 =
        newer && depmod !== newer ? again(root, tree, (r) => theirs(newer, args, r)) : undefined;
      rmSync(root, { recursive: true });
      plant(root, tree);
      const actual = await ours(args, root);
      if (depmod === newer) expect(textOnly(actual, true)).toEqual(textOnly(expected, true));
      else {
        expect(binaryOnly(actual)).toEqual(binaryOnly(expected));
        expect(textOnly(asOlder(actual), false)).toEqual(textOnly(expected, false));
      }
      if (expected34) expect(textOnly(actual, true)).toEqual(textOnly(expected34, true));
      return undefined;
    });
  }
});

function again<T>(root: string, tree: Tree, act: (root: string) => T): T {
  rmSync(root, { recursive: true });
  plant(root, tree);
  return act(root);
}
