import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FormatError } from '../formats/format-error.js';
import type { ModuleExport } from '../formats/module-exports.js';
import { CORPUS_RELEASE, corpusHeaders, corpusTree, newerTree } from '../testing/corpus.js';
import { decodeTarget, encodeTarget, portableDecompressor } from './codec.js';
import { parseConfig } from './config.js';
import { composeVermagic } from './image/strings.js';
import type { LinuxTarget } from './linux-target.js';
import type { ModuleSummary } from './module-table.js';
import { BUNDLED_FILE, loadBundled } from './node/bundled.js';
import { sourceOfPath, treeSource } from './node/path-source.js';
import { TargetStore } from './node/target-store.js';
import { deflateCompressor, nodeDecompressor } from './node/zlib-codec.js';
import { linuxTarget } from './open.js';
import { memorySource } from './package-source.js';
import { readTarget, readTargetParts } from './source.js';
import type { TargetInfo } from './target.js';
import { TargetError } from './target-error.js';

const tree = await corpusTree();
const headers = await corpusHeaders();
const newer = await newerTree();
const folder = mkdtempSync(join(tmpdir(), 'modbox-target-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the bundled target', () => {
  const target = loadBundled();

  it('is Debian 12, in two megabytes', () => {
    expect(statSync(BUNDLED_FILE).size).toBeLessThan(2_000_000);
    expect(target).toMatchObject({
      name: 'linux/6.1.0-53-amd64',
      os: 'linux',
      release: '6.1.0-53-amd64',
      arch: 'x86_64',
      vermagic: '6.1.0-53-amd64 SMP preempt mod_unload modversions ',
    });
    expect(target.banner).toMatch(
      /^Linux version 6\.1\.0-53-amd64 \(debian-kernel@lists\.debian\.org\) .* #1 SMP PREEMPT_DYNAMIC Debian 6\.1\.187-1/,
    );
    expect(target.tree).toBeUndefined();
  });

  it('answers', () => {
    expect(target.config.get('CONFIG_HZ')).toBe('250');
    expect(target.config.get('CONFIG_CC_VERSION_TEXT')).toBe('gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0');
    expect(target.exports.get('_printk')).toMatchObject({ kind: 'function', gplOnly: false, namespace: '' });
    expect(target.exports.get('current_task')).toMatchObject({ kind: 'percpu', size: 8 });
    expect(target.exports.get('jiffies')).toMatchObject({ kind: 'data' });
    expect(target.exports.has('no_such_export')).toBe(false);
    expect([...target.exports.values()].filter((e) => e.namespace === 'CXL').length).toBeGreaterThan(5);
    expect(target.types.sizeOf('module')).toBe(0x380);
    expect(target.builtinModules).toContain('kernel/fs/binfmt_script.ko');
    expect(target.builtinModinfo.length).toBeGreaterThan(200);
    expect(target.certificates.map((der) => der[0])).toEqual([0x30]);
  });

  it('finds symbols by name and by address', () => {
    const printk = target.symbols.lookup('_printk');
    expect(printk).toMatchObject({ type: 'T', address: target.exports.get('_printk')?.address });
    const address = printk?.address ?? 0n;
    expect(target.symbols.nearest(address + 7n)?.name).toBe('_printk');
    expect(target.symbols.nearest(address + BigInt(printk?.size ?? 0) - 1n)?.name).toBe('_printk');
    expect(target.symbols.nearest(5n)).toBeUndefined();
    expect(target.symbols.lookup('no_such_symbol')).toBeUndefined();
    expect(target.symbols.lookupAll('c_start').length).toBeGreaterThan(1);
    expect(target.symbols.lookup('current_task')).toMatchObject({ type: 'A' });
    expect([...target.symbols.all()]).toHaveLength(target.symbols.count);
  });

  it.skipIf(headers === undefined)('exports what Module.symvers says, and so do its modules', () => {
    const path = join(headers ?? '', 'usr/src', `linux-headers-${CORPUS_RELEASE}`, 'Module.symvers');
    const expected = readFileSync(path, 'utf8').replace(/\n$/, '').split('\n');
    const line = (e: ModuleExport, where: string): string =>
      [
        `0x${e.crc?.toString(16).padStart(8, '0')}`,
        e.name,
        where,
        e.gplOnly ? 'EXPORT_SYMBOL_GPL' : 'EXPORT_SYMBOL',
        e.namespace,
      ].join('\t');
    const ofModule = (module: ModuleSummary): string =>
      module.path.replace(/\.ko$/, '').slice('kernel/'.length);
    const found = [
      ...[...target.exports.values()].map((e) => line(e, 'vmlinux')),
      ...[...(target.modules?.exports.values() ?? [])].map((e) => line(e, ofModule(e.module))),
    ];
    expect(found.sort()).toEqual(expected.sort());
  });

  it('knows the modules that came with it', () => {
    expect(target.modules?.all).toHaveLength(4023);
    expect(target.modules?.get('snd_hda_intel')).toMatchObject({
      path: 'kernel/sound/pci/hda/snd-hda-intel.ko',
      license: 'GPL',
      depends: expect.arrayContaining(['snd_hda_codec', 'snd']),
    });
    expect(target.modules?.get('no_such_module')).toBeUndefined();
    expect(target.modules?.exports.get('snd_card_new')).toMatchObject({
      module: { name: 'snd' },
      gplOnly: false,
    });
  });

  it('has a kernel symbol for every export, at its address', () => {
    const symbols = new Map([...target.symbols.all()].map((s) => [`${s.name} ${s.address}`, s]));
    for (const e of target.exports.values()) {
      const symbol = symbols.get(`${e.name} ${e.address}`);
      expect(symbol, e.name).toBeDefined();
      expect(symbol?.type === 'T' || symbol?.type === 't' || symbol?.type === 'W', e.name).toBe(
        e.kind === 'function',
      );
    }
  });

  it.skipIf(tree === undefined)('is what its package says, byte for byte', () => {
    const fresh = readTarget(treeSource(tree ?? ''));
    expect(fresh.tree).toBe(tree);
    expect(summary(fresh)).toEqual(summary(target));
  });
});

/** All of a target in a comparable form. */
function summary(target: LinuxTarget): unknown {
  return {
    strings: [target.name, target.vermagic, target.banner],
    config: [...target.config],
    modules: target.modules?.all,
    moduleExports: [...(target.modules?.exports.values() ?? [])],
    exports: [...target.exports.values()],
    symbols: [...target.symbols.all()].length,
    types: target.types.typeCount,
    builtin: [target.builtinModules, target.builtinModinfo],
    certificates: target.certificates.map((der) => Buffer.from(der).toString('hex')),
  };
}

describe.skipIf(tree === undefined)('a store of targets', () => {
  it('adds, lists, finds and removes', () => {
    const store = new TargetStore(join(folder, 'store'));
    expect(store.list().map(({ info, bundled }) => [info.name, bundled])).toEqual([
      ['freebsd/14.2-amd64', true],
      ['linux/6.1.0-53-amd64', true],
    ]);
    const target = store.add(join(tree ?? '', `boot/vmlinuz-${CORPUS_RELEASE}`));
    expect(target.tree).toBe(tree);
    expect(store.list().map(({ info, bundled }) => [info.name, bundled])).toEqual([
      ['freebsd/14.2-amd64', true],
      ['linux/6.1.0-53-amd64', false],
    ]);
    expect(store.get(CORPUS_RELEASE).tree).toBe(tree);
    expect(store.findByVermagic(target.vermagic)?.name).toBe(target.name);
    expect(() => store.get('5.10')).toThrow(
      "no target '5.10', only freebsd/14.2-amd64, linux/6.1.0-53-amd64; modbox target add PATH adds one",
    );
    expect([store.hasStaleImage(target.name), store.bundled().image !== undefined]).toEqual([false, true]);
    writeFileSync(
      join(folder, 'store', `linux-${CORPUS_RELEASE}.image`),
      'MODBOX-IMAGE-0\nof another version',
    );
    expect([store.hasStaleImage(target.name), store.bundled().image]).toEqual([true, undefined]);
    writeFileSync(join(folder, 'store', 'stale.modbox'), 'of another version');
    expect(store.list()).toHaveLength(2);
    expect(store.remove(CORPUS_RELEASE)).toBe(true);
    expect(store.remove(CORPUS_RELEASE)).toBe(false);
    expect(store.get(CORPUS_RELEASE).tree).toBeUndefined();
  });
});

describe.skipIf(newer === undefined)('Debian 6.12', () => {
  it('imports, and answers the same questions', () => {
    const target = readTarget(treeSource(newer ?? ''));
    const [release] = readdirSync(join(newer ?? '', 'lib/modules'));
    expect(target.name).toBe(`linux/${release}`);
    expect(target.vermagic).toBe(`${release} SMP preempt mod_unload modversions `);
    expect(target.exports.size).toBeGreaterThan(10_000);
    expect(target.symbols.nearest((target.exports.get('_printk')?.address ?? 0n) + 3n)?.name).toBe('_printk');
    expect(target.exports.get('pcpu_hot')?.kind).toBe('percpu');
    expect(target.types.offsetOf('device', 'kobj.name')).toBe(0);
    expect(target.types.prototype('_printk').variadic).toBe(true);
    expect(target.certificates).toHaveLength(1);
  });
});

describe('sources that do not do', () => {
  it('say why', () => {
    expect(() => sourceOfPath(join(folder, 'nothing'))).toThrow('no such file or directory');
    expect(() => readTarget(treeSource(folder))).toThrow(
      `${folder}: no kernel image: looked for boot/vmlinuz-RELEASE and lib/modules/RELEASE/vmlinuz`,
    );
    const two = memorySource(
      'two',
      new Map([
        ['boot/vmlinuz-1', new Uint8Array(0)],
        ['boot/vmlinuz-2', new Uint8Array(0)],
      ]),
    );
    expect(() => readTarget(two)).toThrow('two: several kernels, name one of: 1, 2');
    expect(() => readTarget(two, { release: '3' })).toThrow('two: no kernel 3, only 1, 2');
    expect(() => readTarget(memorySource('x', new Map([['vmlinuz', new Uint8Array(3000)]])))).toThrow(
      TargetError,
    );
  });

  it.each([
    ['i386', 1, 1, 3],
    ['arm64', 2, 1, 183],
    ['s390x', 2, 2, 22],
  ])('a kernel for %s is refused by its name', (name, elfClass, order, machine) => {
    const image = new Uint8Array(64);
    image.set([0x7f, 0x45, 0x4c, 0x46, elfClass, order, 1]);
    image[order === 1 ? 18 : 19] = machine;
    const source = memorySource('other', new Map([['vmlinuz', image]]));
    expect(() => readTarget(source)).toThrow(
      `other is a kernel for ${name}: modbox runs kernels for x86-64 only`,
    );
  });

  it('a kernel for arm64 is refused as the Image that it is', () => {
    const image = new Uint8Array(4096);
    image.set([0x41, 0x52, 0x4d, 0x64], 0x38);
    const source = memorySource('other', new Map([['boot/vmlinuz-6', image]]));
    expect(() => readTarget(source)).toThrow(
      new TargetError('other: boot/vmlinuz-6 is a kernel for arm64: modbox runs kernels for x86-64 only'),
    );
  });

  it('a module is no kernel', () => {
    const module = join(import.meta.dirname, '../../tests/modules/hello.ko');
    copyFileSync(module, join(folder, 'vmlinux'));
    expect(() => readTarget(sourceOfPath(join(folder, 'vmlinux')).source)).toThrow(
      'is a kernel module or another object file, no kernel',
    );
  });
});

describe('the file of a target', () => {
  const bytes = readFileSync(BUNDLED_FILE);

  it('damaged, is an error with a place', () => {
    expect(() => decodeTarget(bytes.subarray(0, 100), 'x')).toThrow(
      /^x: index length \(at 0x10\): 0x[0-9a-f]+ bytes at 0x14 end at/,
    );
    expect(() => decodeTarget(new Uint8Array(40), 'x')).toThrow(
      'x: magic (at 0x0): not the file of a target',
    );
    const cut = decodeTarget(bytes.subarray(0, 100_000), 'x', nodeDecompressor);
    expect(() => cut.types).toThrow(FormatError);
    expect(() => decodeTarget(bytes, 'x', portableDecompressor).types).toThrow(
      'this host has no decompressor for brotli',
    );
  });

  it('keeps everything, with the codec that any host has', () => {
    const source = memorySource('none', new Map());
    expect(() => readTargetParts(source)).toThrow(TargetError);
    const info = {
      name: 'linux/1',
      os: 'linux',
      release: '1',
      arch: 'x86_64',
      vermagic: '1 ',
      banner: 'Linux version 1',
    } as const;
    const parts = {
      info,
      names: ['config', 'modules'],
      part: (name: string) => new TextEncoder().encode(`CONFIG_A=y\nCONFIG_B="${name}"`),
    };
    const decoded = linuxTarget(decodeTarget(encodeTarget(parts, deflateCompressor), 'x'));
    expect([...decoded.config]).toEqual([
      ['CONFIG_A', 'y'],
      ['CONFIG_B', 'config'],
    ]);
    expect(() => decoded.modules).toThrow('linux/1: modules: line 1 (at 0x0): 1 fields, need 3');
  });

  it('of a system that this modbox does not know is refused by name, one whose facts are incomplete as well', () => {
    const linux = { name: 'linux/1', os: 'linux', release: '1', arch: 'x86_64' };
    const of = (info: TargetInfo) => encodeTarget({ info, names: [], part: () => new Uint8Array() });
    expect(() => decodeTarget(of({ ...linux, name: 'plan9/4', os: 'plan9' }), 'x')).toThrow(
      "plan9/4: this modbox knows no system 'plan9'",
    );
    expect(() => decodeTarget(of(linux), 'x')).toThrow(
      'linux/1: its file does not tell architecture, vermagic and banner: add it again',
    );
  });

  it('opens from a copy of its bytes', () => {
    writeFileSync(join(folder, 'copy.modbox'), bytes);
    const target = decodeTarget(readFileSync(join(folder, 'copy.modbox')), 'x', nodeDecompressor);
    expect(target.types.offsetOf('task_struct', 'comm')).toBeGreaterThan(0);
  });
});

describe('vermagic from a configuration', () => {
  it('as include/linux/vermagic.h composes it', () => {
    const config = parseConfig(
      'CONFIG_SMP=y\nCONFIG_PREEMPT_BUILD=y\n# CONFIG_PREEMPT_RT is not set\nCONFIG_MODULE_UNLOAD=y\nCONFIG_MODVERSIONS=y\nCONFIG_X="a \\"b\\""\n',
    );
    expect(composeVermagic('6.1.0', config)).toBe('6.1.0 SMP preempt mod_unload modversions ');
    expect(config.get('CONFIG_X')).toBe('a "b"');
  });
});
