import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { corpusHeaders, corpusTree } from '../../testing/corpus.js';
import { type ModinfoEntry, parseModinfo } from '../modinfo.js';
import { splitModuleSignature } from '../module-signature.js';
import { parseModversions } from '../modversions.js';
import { parseElf, relocationName } from './index.js';

const tree = await corpusTree();
const headers = await corpusHeaders();
const modules = tree === undefined ? [] : modulesBelow(tree);
/** Some forty of four thousand, spread evenly. */
const sample = modules.filter((_, i) => i % 100 === 7);

function modulesBelow(root: string): string[] {
  const names = readdirSync(join(root, 'lib/modules'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ko')).map((name) => join(root, 'lib/modules', name));
}

function readelf(option: string, file: string): string[] {
  return execFileSync('readelf', [option, '-W', file], {
    encoding: 'utf8',
    stdio: 'pipe',
    maxBuffer: 1 << 28,
  }).split('\n');
}

function hasReadelf(): boolean {
  try {
    execFileSync('readelf', ['--version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(sample.length === 0 || !hasReadelf())('ELF files of real modules, next to readelf', () => {
  it.each(sample)('sections of %s', (path) => {
    const elf = parseElf(readFileSync(path), path);
    const expected = readelf('-S', path).flatMap((line) => {
      const match =
        /^ {2}\[ *(\d+)\] (\S*) +[A-Z_]+ +([0-9a-f]{16}) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) +([A-Za-z]*) +(\d+) +(\d+) +(\d+)$/.exec(
          line,
        );
      return match === null || match[1] === '0' ? [] : [match.slice(1, 7).concat(match.slice(8))];
    });
    const found = elf.sections
      .slice(1)
      .map((s) => [
        String(s.index),
        s.name,
        s.addr.toString(16).padStart(16, '0'),
        s.offset.toString(16).padStart(6, '0'),
        s.size.toString(16).padStart(6, '0'),
        s.entsize.toString(16).padStart(2, '0'),
        String(s.link),
        String(s.info),
        String(s.addralign),
      ]);
    expect(found).toEqual(expected);
  });

  it.each(sample)('symbols of %s', (path) => {
    const elf = parseElf(readFileSync(path), path);
    const expected = readelf('-s', path).flatMap((line) => {
      const match = /^ *(\d+): ([0-9a-f]{16}) +(\d+|0x[0-9a-f]+) (\w+) +(\w+) +\w+ +(\w+)(?: (.*))?$/.exec(
        line,
      );
      return match === null
        ? []
        : [{ value: match[2], size: Number(match[3]), type: match[4], bind: match[5], name: match[7] ?? '' }];
    });
    const types = ['NOTYPE', 'OBJECT', 'FUNC', 'SECTION', 'FILE'];
    const found = elf.symbols().map((s) => ({
      value: s.value.toString(16).padStart(16, '0'),
      size: s.size,
      type: types[s.type],
      bind: ['LOCAL', 'GLOBAL', 'WEAK'][s.bind],
      // readelf names section symbols after their section.
      name: s.type === 3 ? elf.sections[s.shndx].name : s.name,
    }));
    expect(found).toEqual(expected);
  });

  it.each(sample)('relocations of %s', (path) => {
    const elf = parseElf(readFileSync(path), path);
    const expected = readelf('-r', path).flatMap((line) => {
      const match = /^([0-9a-f]{16}) +[0-9a-f]{16} (R_X86_64_\w+) /.exec(line);
      return match === null ? [] : [`${match[1]} ${match[2]}`];
    });
    const found = elf
      .relocationSections()
      .flatMap((section) =>
        [...elf.relocations(section)].map(
          (r) => `${r.offset.toString(16).padStart(16, '0')} ${relocationName(r.type)}`,
        ),
      );
    expect(found).toEqual(expected);
  });
});

describe.skipIf(sample.length === 0)('what real modules say of themselves', () => {
  it('versions are those of Module.symvers', () => {
    if (headers === undefined) return;
    const symvers = readSymvers(join(headers, 'usr/src', `linux-headers-6.1.0-53-amd64`, 'Module.symvers'));
    let compared = 0;
    for (const path of sample) {
      for (const { name, crc } of parseModversions(parseElf(readFileSync(path), path))) {
        expect(`${name} ${crc.toString(16)}`).toBe(`${name} ${symvers.get(name)?.toString(16)}`);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(500);
  });

  it('every module opens, with its symbols, relocations, versions and .modinfo', () => {
    for (const path of modules) {
      const { module, signature } = splitModuleSignature(readFileSync(path), path);
      const elf = parseElf(module, path);
      expect(elf.symbols().length).toBeGreaterThan(0);
      for (const section of elf.relocationSections()) elf.relocations(section);
      const modinfo = parseModinfo(elf.section('.modinfo')?.data ?? new Uint8Array(0));
      expect(modinfo.get('vermagic')).toBe('6.1.0-53-amd64 SMP preempt mod_unload modversions ');
      expect(parseModversions(elf).some(({ name }) => name === 'module_layout')).toBe(true);
      expect(signature?.idType ?? 2).toBe(2);
    }
  });
});

function readSymvers(path: string): Map<string, number> {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => line.split('\t')).map(([crc, name]) => [name, Number(crc)]));
}

describe('.modinfo', () => {
  it('keeps order and repeated keys, skips padding', () => {
    const text = 'license=GPL\0\0\0alias=a*\0alias=b=c\0flag\0';
    const modinfo = parseModinfo(new TextEncoder().encode(text));
    const expected: ModinfoEntry[] = [
      { key: 'license', value: 'GPL' },
      { key: 'alias', value: 'a*' },
      { key: 'alias', value: 'b=c' },
      { key: 'flag', value: '' },
    ];
    expect(modinfo.entries).toEqual(expected);
    expect(modinfo.all('alias')).toEqual(['a*', 'b=c']);
    expect(modinfo.get('depends')).toBeUndefined();
  });
});

describe('appended signatures', () => {
  const trailer = (length: number): number[] => [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, length];
  const marker = [...new TextEncoder().encode('~Module signature appended~\n')];

  it('are split off', () => {
    const split = splitModuleSignature(
      Uint8Array.from([1, 2, 3, 0xa, 0xb, ...trailer(2), ...marker]),
      'x.ko',
    );
    expect([...split.module]).toEqual([1, 2, 3]);
    expect(split.signature).toMatchObject({ idType: 2, signature: Uint8Array.from([0xa, 0xb]) });
  });

  it('that claim more than there is are an error with file, field and offset', () => {
    const bytes = Uint8Array.from([1, 2, ...trailer(9), ...marker]);
    expect(() => splitModuleSignature(bytes, 'x.ko')).toThrow(
      'x.ko: module signature: sig_len (at 0xa): 9 bytes, the file has 2 before it',
    );
  });
});
