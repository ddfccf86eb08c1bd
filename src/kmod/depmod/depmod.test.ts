import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../files/file-source.js';
import { mutate } from '../../testing/mutate.js';
import { Random } from '../../testing/random.js';
import { type SmallModule, smallModule } from '../../testing/small-module.js';
import type { FileWriter } from '../file-writer.js';
import { depmod, depmodWith } from '../tools/depmod.js';
import { type RunningKernel, runToEnd } from '../tools/tool.js';
import { readFacts } from './facts.js';
import { indexTree } from './index-tree.js';
import { makeIndex } from './make-index.js';
import { posixRegex } from './posix-regex.js';

const DIR = '/lib/modules/6.1.0';

const MODULES: Readonly<Record<string, SmallModule>> = {
  a: { needs: { b_sym: 1 }, exports: { a_sym: 2 }, modinfo: ['alias=pci:v0*', 'softdep=pre: c'] },
  b: { exports: { b_sym: 1 }, modinfo: ['alias=char-major-1-2', 'alias=devname:b'] },
  c: { needs: { a_sym: 2 }, weak: ['b_sym'] },
};
const ORDER = 'kernel/c.ko\nkernel/a.ko\n';
const BUILTIN = 'kernel/x.ko\nkernel/y-z.ko\n';
const MODINFO = 'x.alias=x-*\0x.license=GPL\0y_z.alias=[a-b]-c\0';
const MAP = 'ffff T start\nffff r __ksymtab_known\n';
const SYMVERS = '0x00000001\tknown\tvmlinux\tEXPORT_SYMBOL\n';
const CONF = 'search updates built-in\noverride a * kernel\nexternal ^6 /ext\nexclude x\n';

/** depmod asks nothing of it. */
const NO_KERNEL = {} as RunningKernel<never>;

interface Run {
  readonly status: number;
  readonly err: string;
  readonly written: ReadonlyMap<string, Uint8Array>;
}

/** depmod over files in memory. */
function run(files: MemoryFiles, args: readonly string[] = []): Run {
  let err = '';
  const written = new Map<string, Uint8Array>();
  const writer: FileWriter = {
    makeDirectories: () => 0,
    replaceFiles: (directory, made) => {
      for (const [name, content] of made) written.set(`${directory}/${name}`, content);
      return [];
    },
  };
  const host = {
    files,
    writer,
    release: '6.1.0',
    environment: {},
    absolute: (path: string): string => `/${path}`,
    out: (): void => {},
    err: (text: string): void => {
      err += text;
    },
  };
  const status = runToEnd(
    depmodWith<never>(host, args, function* (inputs) {
      return makeIndex(inputs, (modules) => readFacts(files, modules));
    }),
  );
  return { status, err, written };
}

function tree(changes: Readonly<Record<string, Uint8Array | string>> = {}): MemoryFiles {
  const files = new MemoryFiles([
    ...Object.entries(MODULES).map(
      ([name, module]) => [`${DIR}/kernel/${name}.ko`, smallModule(module)] as const,
    ),
    [`${DIR}/modules.order`, ORDER],
    [`${DIR}/modules.builtin`, BUILTIN],
    [`${DIR}/modules.builtin.modinfo`, MODINFO],
    ['/etc/depmod.d/a.conf', CONF],
    ['/map', MAP],
    ['/symvers', SYMVERS],
  ]);
  for (const [path, content] of Object.entries(changes)) files.add(path, content);
  return files;
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

describe('modules that need each other in circles', () => {
  it('are named in the order in which kmod names them', () => {
    // The graph of kmod's own test.
    const needs: Readonly<Record<string, string>> = {
      a: 'bfg',
      b: 'cfg',
      c: 'a',
      d: 'e',
      e: 'd',
      f: '',
      g: '',
      h: 'i',
      i: 'j',
      j: 'hk',
      k: 'h',
    };
    const files = new MemoryFiles(
      Object.entries(needs).map(([name, list]) => [
        `${DIR}/mod-loop-${name}.ko`,
        smallModule({
          exports: { [`print${name}`]: 1 },
          needs: Object.fromEntries([...list].map((needed) => [`print${needed}`, 1])),
        }),
      ]),
    );
    const { status, err } = run(files);
    expect(status).toBe(1);
    expect(err.split('\n').filter((line) => line.includes('ycle'))).toEqual([
      'depmod: ERROR: Cycle detected: mod_loop_d -> mod_loop_e -> mod_loop_d',
      'depmod: ERROR: Cycle detected: mod_loop_i -> mod_loop_j -> mod_loop_k -> mod_loop_h -> mod_loop_i',
      'depmod: ERROR: Cycle detected: mod_loop_i -> mod_loop_j -> mod_loop_h -> mod_loop_i',
      'depmod: ERROR: Cycle detected: mod_loop_c -> mod_loop_a -> mod_loop_b -> mod_loop_c',
      'depmod: ERROR: Found 9 modules in dependency cycles!',
    ]);
  });
});

describe('depmod in memory', () => {
  it('writes every file of an index', () => {
    const { status, err, written } = run(tree());
    expect({ status, err }).toEqual({
      status: 0,
      err: 'depmod: ERROR: could not open directory /ext: No such file or directory\n',
    });
    expect([...written.keys()]).toEqual(
      [
        'dep',
        'dep.bin',
        'alias',
        'alias.bin',
        'softdep',
        'weakdep',
        'symbols',
        'symbols.bin',
        'builtin.bin',
        'builtin.alias.bin',
        'devname',
      ].map((name) => `${DIR}/modules.${name}`),
    );
    expect(text(written.get(`${DIR}/modules.dep`))).toBe(
      'kernel/c.ko: kernel/a.ko kernel/b.ko\nkernel/a.ko: kernel/b.ko\nkernel/b.ko:\n',
    );
    expect(text(written.get(`${DIR}/modules.devname`))).toBe(
      '# Device nodes to trigger on-demand module loading.\nb b c1:2\n',
    );
  });

  it('says so where nothing can be written', () => {
    let err = '';
    const host = {
      files: tree({ '/etc/depmod.d/a.conf': '' }),
      release: '6.1.0',
      absolute: (path: string): string => path,
      out: (): void => {},
      err: (said: string): void => {
        err += said;
      },
    };
    expect(runToEnd(depmod({ ...host, environment: {}, kernel: NO_KERNEL }, []))).toBe(1);
    expect(err).toBe(`depmod: FATAL: could not create directory ${DIR}: Read-only file system\n`);
  });

  it('is a function of a file source', () => {
    const files = tree();
    const made = indexTree(files, DIR);
    expect(text(made.get('modules.dep'))).toBe(
      'kernel/c.ko: kernel/a.ko kernel/b.ko\nkernel/a.ko: kernel/b.ko\nkernel/b.ko:\n',
    );
    expect(indexTree(files, '/lib/modules/none').size).toBe(0);
    const circle = new MemoryFiles([
      [`${DIR}/a.ko`, smallModule({ needs: { b: 1 }, exports: { a: 1 } })],
      [`${DIR}/b.ko`, smallModule({ needs: { a: 1 }, exports: { b: 1 } })],
    ]);
    expect(() => indexTree(circle, DIR)).toThrow(/Cycle detected: a -> b -> a|Cycle detected: b -> a -> b/);
  });

  it('comes to an end with circles that kmod does not come out of', () => {
    const names = Array.from({ length: 12 }, (_, i) => `m${i}`);
    const files = new MemoryFiles(
      names.map((name) => [
        `${DIR}/${name}.ko`,
        smallModule({
          exports: { [`${name}_s`]: 1 },
          needs: Object.fromEntries(names.map((other) => [`${other}_s`, 1])),
        }),
      ]),
    );
    const { status, err, written } = run(files);
    expect({ status, files: written.size }).toEqual({ status: 1, files: 0 });
    expect(err).toContain('Found 12 modules in dependency cycles!\n');
  });
});

describe('damaged input', () => {
  it('modules: said, left without symbols, and the rest indexed', () => {
    const random = new Random(11);
    const sound = smallModule(MODULES.a);
    for (let i = 0; i < 150; i++) {
      const { status, err, written } = run(
        tree({
          [`${DIR}/kernel/a.ko`]: mutate(sound, random, [
            [0, 64],
            [64, 384],
          ]),
        }),
      );
      if (status !== 0) expect(err).toMatch(/Cycle detected|only 7-bit ASCII/);
      else expect(text(written.get(`${DIR}/modules.dep`))).toContain('kernel/b.ko:\n');
    }
  });

  const TEXTS: readonly (readonly [path: string, content: string, args: readonly string[], said: RegExp])[] =
    [
      [`${DIR}/modules.order`, ORDER, [], /modules\.order:\d+ corrupted line/],
      [`${DIR}/modules.builtin`, BUILTIN, [], /Invalid modules\.builtin line|7-bit ASCII/],
      [`${DIR}/modules.builtin.modinfo`, MODINFO, [], /Unmatched bracket|7-bit ASCII/],
      ['/etc/depmod.d/a.conf', CONF, [], /a\.conf:\d+: ignoring bad line/],
      ['/map', MAP, ['-e', '-F', '/map'], /\/map:\d+: invalid line/],
      ['/symvers', SYMVERS, ['-e', '-E', '/symvers'], /\/symvers:\d+ Invalid symbol version/],
    ];
  for (const [path, content, args, said] of TEXTS) {
    it(`${path}: an end, and a message with the line where one is wrong`, () => {
      const random = new Random(5);
      const bytes = new TextEncoder().encode(content);
      let messages = '';
      for (let i = 0; i < 120; i++) {
        const { status, err, written } = run(
          tree({ [path]: mutate(bytes, random, [[0, bytes.length]]) }),
          args,
        );
        messages += err;
        // Whatever fails writes nothing, all else everything.
        expect(written.size).toBe(status === 0 ? 11 : 0);
      }
      expect(messages).toMatch(said);
    });
  }

  it('expressions: matched or refused', () => {
    const random = new Random(3);
    for (let i = 0; i < 1200; i++) {
      const pattern = Array.from({ length: random.below(10) }, () =>
        random.pick([...'ab*+?{}1,()|^$.[]-\\:=', '[:alpha:]']),
      ).join('');
      posixRegex(pattern)?.test('6.1.0');
    }
  });
});

describe('depmod, as kmod after version 34', () => {
  it('takes a softdep or weakdep without "=" for an empty one', () => {
    const files = tree({
      [`${DIR}/kernel/odd.ko`]: smallModule({
        modinfo: ['softdep=pre: a', 'softdep=', 'softdep', 'weakdep', 'softdepx=y'],
      }),
    });
    const { written } = run(files);
    expect(text(written.get(`${DIR}/modules.softdep`)).match(/^softdep odd .*$/gm)).toEqual([
      'softdep odd pre: a',
      'softdep odd ',
      'softdep odd ',
    ]);
    expect(text(written.get(`${DIR}/modules.weakdep`)).match(/^weakdep odd .*$/gm)).toEqual(['weakdep odd ']);
  });

  it('tells of lines of the old index that cannot be read', () => {
    const { status, err } = run(tree({ [`${DIR}/modules.softdep`]: 'softdep one\n' }));
    expect(status).toBe(0);
    expect(err).toMatch(
      new RegExp(
        `^libkmod: ERROR: kmod_config_parse: .*${DIR}/modules.softdep line 1: ignoring bad line starting with 'softdep'\n`,
      ),
    );
  });

  it('makes what comes before a file that cannot be made, and fails', () => {
    const { status, err, written } = run(
      new MemoryFiles([
        [`${DIR}/a.ko`, smallModule(MODULES.a)],
        [`${DIR}/modules.builtin.modinfo/file`, ''],
      ]),
    );
    expect(status).toBe(1);
    expect(err).toContain(
      "depmod: ERROR: Could not write index 'modules.builtin.alias.bin': Invalid argument\n",
    );
    expect(written.has(`${DIR}/modules.builtin.bin`)).toBe(true);
    expect(written.has(`${DIR}/modules.devname`)).toBe(false);
  });
});
