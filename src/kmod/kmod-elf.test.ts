import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EINVAL, ENODATA, ENOEXEC } from '../linux/errno.js';
import { corpusTree } from '../testing/corpus.js';
import { KmodElf, type SymbolCrc } from './kmod-elf.js';
import { KmodError } from './kmod-error.js';
import { realKmod } from './testing/real-kmod.js';
import { recodeElf } from './testing/recode-elf.js';

const MODULES = fileURLToPath(new URL('../../tests/modules/', import.meta.url));
const module = (name: string): Uint8Array => new Uint8Array(readFileSync(`${MODULES}${name}.ko`));
const tree = await corpusTree();
const kmod = await realKmod();

function sample(every: number): string[] {
  if (tree === undefined) return [];
  const top = join(tree, 'lib/modules');
  return readdirSync(top, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ko'))
    .sort()
    .filter((_, i) => i % every === 0)
    .map((name) => join(top, name));
}

function errnoOf(action: () => unknown): number {
  try {
    action();
  } catch (error) {
    if (error instanceof KmodError) return error.errno;
    throw error;
  }
  return 0;
}

const lines = (symbols: readonly SymbolCrc[]): string =>
  symbols.map(({ name, crc }) => `0x${crc.toString(16).padStart(8, '0')}\t${name}\n`).join('');

describe.skipIf(!tree || !kmod)('a module of the real tree', () => {
  it('has the exports and versions that modprobe shows', () => {
    let exported = 0;
    for (const path of sample(50)) {
      const file = KmodElf.open(readFileSync(path), path);
      const shown = kmod!('modprobe', ['--show-exports', path]);
      if (shown.status === 0) exported++;
      const ours = shown.status === 0 ? lines(file.exports()) : errnoOf(() => file.exports());
      expect(ours, path).toEqual(shown.status === 0 ? shown.out.toString() : ENODATA);
      expect(lines(file.versions()), path).toBe(
        kmod!('modprobe', ['--dump-modversions', path]).out.toString(),
      );
    }
    expect(exported).toBeGreaterThan(5);
  });

  it('needs the undefined symbols that nm lists, with their versions, and module_layout', () => {
    for (const path of sample(200)) {
      const file = KmodElf.open(readFileSync(path), path);
      const needed = file.dependencySymbols();
      const nm = execFileSync('nm', ['-p', path], { encoding: 'utf8' });
      const undefinedNames = [...nm.matchAll(/^ +[Uw] (\S+)$/gm)].map(([, name]) => name);
      expect(needed.map(({ name }) => name)).toEqual([...undefinedNames, 'module_layout']);
      const versions = new Map(file.versions().map(({ name, crc }) => [name, crc]));
      for (const { name, crc } of needed) expect(crc, name).toBe(versions.get(name) ?? 0n);
    }
  });
});

describe('a module of another architecture', () => {
  const forms = [
    { is64: true, littleEndian: false },
    { is64: false, littleEndian: true },
    { is64: false, littleEndian: false },
  ];

  it.each(forms)('is read as well: %o', (form) => {
    for (const name of ['exporter', 'importer', 'params']) {
      const native = KmodElf.open(module(name), name);
      const other = KmodElf.open(recodeElf(module(name), form), name);
      expect(other.modinfoStrings()).toEqual(native.modinfoStrings());
      expect(other.versions()).toEqual(native.versions());
      expect(other.dependencySymbols()).toEqual(native.dependencySymbols());
      expect(errnoOf(() => other.exports())).toBe(errnoOf(() => native.exports()));
    }
    const native = KmodElf.open(module('exporter'), 'exporter');
    expect(KmodElf.open(recodeElf(module('exporter'), form), 'exporter').exports()).toEqual(native.exports());
  });

  it('leaves out the registers that SPARC modules declare', () => {
    const bytes = recodeElf(module('importer'), { is64: true, littleEndian: false });
    const names = (): string[] =>
      KmodElf.open(bytes, 'x')
        .undefinedSymbols()
        .map(({ name }) => name);
    const { elf } = KmodElf.open(bytes, 'x');
    const symbols = KmodElf.open(bytes, 'x').symbols()!;
    const [first, ...others] = names();
    for (let i = 1; i < symbols.count; i++)
      if (symbols.section(i) === 0 && elf.nameText(symbols.nameOffset(i)) === first)
        bytes[symbols.at(i) + 4] = 0x1d;
    expect(names()).toEqual([first, ...others]);
    new DataView(bytes.buffer).setUint16(18, 43);
    expect(names()).toEqual(others);
  });
});

describe('damage', () => {
  const good = module('exporter');
  const damaged = (change: (view: DataView) => void): Uint8Array => {
    const bytes = new Uint8Array(good);
    change(new DataView(bytes.buffer));
    return bytes;
  };
  const opened = (bytes: Uint8Array): number => errnoOf(() => KmodElf.open(bytes, 'x.ko'));

  it('has the error numbers of libkmod', () => {
    expect(opened(new Uint8Array(100))).toBe(ENOEXEC);
    expect(opened(good.subarray(0, 16))).toBe(ENOEXEC);
    expect(opened(good.subarray(0, 64))).toBe(EINVAL);
    expect(opened(good.subarray(0, 1000))).toBe(EINVAL);
    expect(opened(damaged((v) => v.setUint8(4, 3)))).toBe(EINVAL);
    expect(opened(damaged((v) => v.setUint8(5, 0)))).toBe(EINVAL);
    expect(opened(damaged((v) => v.setUint16(0x3a, 40, true)))).toBe(EINVAL);
    expect(opened(damaged((v) => v.setUint16(0x3e, 0xffff, true)))).toBe(EINVAL);
    expect(opened(damaged((v) => v.setBigUint64(0x28, 0xffff_ffff_ffff_ffffn, true)))).toBe(EINVAL);
  });

  it('is told with file and place', () => {
    expect(() => KmodElf.open(good.subarray(0, 1000), 'x.ko')).toThrow(
      'x.ko: the section headers reach past the end of the file (at 0x28)',
    );
  });

  it('of a missing section is found when it is asked for', () => {
    const bytes = new Uint8Array(good);
    const at = Buffer.from(bytes.buffer).lastIndexOf('.modinfo\0');
    bytes[at + 1] = 0x4d;
    expect(errnoOf(() => KmodElf.open(bytes, 'x').modinfoStrings())).toBe(ENODATA);
  });
});
