import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MemoryFiles, ModuleTree, showDepends } from './index.js';

const RELEASE = '6.1.0-53-amd64';
const DIR = `/lib/modules/${RELEASE}`;
const MODULES = fileURLToPath(new URL('../../tests/modules/', import.meta.url));
const module = (name: string): Uint8Array => readFileSync(`${MODULES}${name}.ko`);

const DEP = `kernel/a/one.ko: kernel/a/two.ko kernel/b/three-x.ko
kernel/a/two.ko: kernel/b/three-x.ko
kernel/b/three-x.ko:
kernel/c/four.ko:
kernel/c/five.ko:
`;
const ALIAS = `# Aliases extracted from modules themselves.
alias pci:v00008086d*sv*sd*bc*sc*i* one
alias pci:v00008086d00001234sv*sd*bc*sc*i* two
alias char-major-10-[0-4]* four
alias fs-three three_x
`;

function tree(extra: readonly (readonly [string, string])[] = [], cmdline = ''): ModuleTree {
  const files = new MemoryFiles([
    [`${DIR}/modules.dep`, DEP],
    [`${DIR}/modules.alias`, ALIAS],
    [`${DIR}/modules.symbols`, 'alias symbol:do_three three_x\n'],
    [`${DIR}/modules.softdep`, 'softdep four pre: five post: three-x\n'],
    [`${DIR}/modules.builtin`, 'kernel/fs/builtin-one.ko\n'],
    ...['a/one', 'a/two', 'b/three-x', 'c/four', 'c/five'].map(
      (path) => [`${DIR}/kernel/${path}.ko`, ''] as const,
    ),
    ...extra,
  ]);
  return new ModuleTree(files, { release: RELEASE, cmdline });
}

const names = (t: ModuleTree, text: string): string[] => t.resolve(text).map(({ name }) => name);

describe('a tree with an index', () => {
  it('loads what is depended on first', () => {
    expect(showDepends(tree(), 'one')).toEqual([
      `insmod ${DIR}/kernel/b/three-x.ko `,
      `insmod ${DIR}/kernel/a/two.ko `,
      `insmod ${DIR}/kernel/a/one.ko `,
    ]);
  });

  it('takes - and _ for the same', () => {
    expect(names(tree(), 'three-x')).toEqual(['three_x']);
    expect(names(tree(), 'three_x')).toEqual(['three_x']);
  });

  it('finds every module whose alias matches, in the order of the index', () => {
    expect(names(tree(), 'pci:v00008086d00001234sv0sd0bc0sc0i0')).toEqual(['one', 'two']);
    expect(names(tree(), 'pci:v00008086d00009999sv0sd0bc0sc0i0')).toEqual(['one']);
    expect(names(tree(), 'char-major-10-3')).toEqual(['four']);
    expect(names(tree(), 'char-major-10-7')).toEqual([]);
    expect(names(tree(), 'fs_three')).toEqual(['three_x']);
  });

  it('finds symbols and built-in modules', () => {
    expect(names(tree(), 'symbol:do_three')).toEqual(['three_x']);
    expect(tree().resolve('builtin-one')).toMatchObject([{ builtin: true, module: undefined }]);
    expect(showDepends(tree(), 'builtin_one')).toEqual(['builtin builtin_one']);
    expect(showDepends(tree(), 'nothing')).toBeUndefined();
  });

  it('puts soft dependencies round a module', () => {
    expect(showDepends(tree(), 'four')).toEqual([
      `insmod ${DIR}/kernel/c/five.ko `,
      `insmod ${DIR}/kernel/c/four.ko `,
      `insmod ${DIR}/kernel/b/three-x.ko `,
    ]);
  });
});

describe('modprobe.d', () => {
  it('gives options, aliases and commands', () => {
    const t = tree([
      ['/etc/modprobe.d/a.conf', 'alias mine one\noptions three-x size=3 \\\n  loud\n# options two no=1\n'],
      [
        '/etc/modprobe.d/b.conf',
        'install two /bin/true $CMDLINE_OPTS\nremove two /bin/false\nblacklist four\n',
      ],
    ]);
    expect(names(t, 'mine')).toEqual(['one']);
    expect(showDepends(t, 'mine', 'x=1')).toEqual([
      `insmod ${DIR}/kernel/b/three-x.ko size=3   loud `,
      'install /bin/true $CMDLINE_OPTS ',
      `insmod ${DIR}/kernel/a/one.ko x=1`,
    ]);
    expect(t.removeCommand('two')).toBe('/bin/false');
    expect(t.blacklisted('four')).toBe(true);
    expect(t.config.problems).toEqual([]);
  });

  it('lets a file hide those of its name in later directories', () => {
    const t = tree([
      ['/etc/modprobe.d/x.conf', 'options one a=1\n'],
      ['/lib/modprobe.d/x.conf', 'options one b=2\n'],
      ['/lib/modprobe.d/y.conf', 'options one c=3\n'],
    ]);
    expect(t.optionsFor('one')).toBe('a=1 c=3');
  });

  it('names lines that make no sense', () => {
    const t = tree([['/etc/modprobe.d/x.conf', 'options one\n\nnonsense one two\n']]);
    expect(t.problems).toEqual([]);
    expect(t.config.problems.map(({ text }) => text)).toEqual([
      "/etc/modprobe.d/x.conf line 1: ignoring bad line starting with 'options'",
      "/etc/modprobe.d/x.conf line 3: ignoring bad line starting with 'nonsense'",
    ]);
  });

  it('reads the kernel command line', () => {
    const t = tree([], 'quiet one.debug=1 modprobe.blacklist=two,three_x,a-b -- four.x=1 x.y.z=1');
    expect(t.optionsFor('one')).toBe('debug=1');
    expect(t.blacklisted('three_x')).toBe(true);
    // Names in a blacklist stay as they are, and `--` ends nothing, as for kmod.
    expect(t.config.blacklist).toEqual(['two', 'three_x', 'a-b']);
    expect(t.optionsFor('four')).toBe('x=1');
    expect(t.config.options).toHaveLength(2);
  });
});

describe('a tree without an index', () => {
  const files = new MemoryFiles([
    [`${DIR}/extra/importer.ko`, module('importer')],
    [`${DIR}/extra/exporter.ko`, module('exporter')],
    [`${DIR}/extra/hello.ko`, module('hello')],
    [`${DIR}/extra/broken.ko`, 'this is no module'],
  ]);
  const t = new ModuleTree(files, { release: RELEASE });

  it('finds dependencies by the symbols that modules use', () => {
    expect(showDepends(t, 'importer')).toEqual([
      `insmod ${DIR}/extra/exporter.ko `,
      `insmod ${DIR}/extra/importer.ko `,
    ]);
    expect(names(t, 'symbol:modbox_add')).toEqual(['exporter']);
  });

  it('leaves out what is no module', () => {
    expect([...t.index.names()].sort()).toEqual(['exporter', 'hello', 'importer']);
  });
});
