import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadBundledBtf } from '../testing/bundled.js';
import { CORPUS_RELEASE, corpusTree } from '../testing/corpus.js';
import { mutate } from '../testing/mutate.js';
import { Random } from '../testing/random.js';
import { debFiles } from './archive/deb.js';
import { Btf, UnknownTypeError } from './btf/index.js';
import { unpack } from './compressed/unpack.js';
import { extractVmlinux } from './compressed/vmlinuz.js';
import { parseElf } from './elf/index.js';
import { FormatError } from './format-error.js';
import { parseModinfo } from './modinfo.js';
import { splitModuleSignature } from './module-signature.js';
import { parseModversions } from './modversions.js';

/** Damaged input: how many variants, and what one may cost. */
const VARIANTS = 600;
const LIMIT_MS = 3000;

const modulesFolder = join(dirname(fileURLToPath(import.meta.url)), '../../tests/modules');
const module = readFileSync(
  join(modulesFolder, readdirSync(modulesFolder).find((name) => name === 'hello.ko') ?? 'chardev.ko'),
);
const elf = parseElf(module, 'hello.ko');

/**
 * Runs `read` on damaged copies. Each time it has to return, or throw a FormatError that names file, field and
 * offset; nothing else, and not slowly.
 */
function attack(
  seed: number,
  original: Uint8Array,
  regions: readonly (readonly [number, number])[],
  read: (bytes: Uint8Array) => void,
): number {
  const random = new Random(seed);
  let refused = 0;
  for (let variant = 0; variant < VARIANTS; variant++) {
    const bytes = mutate(original, random, regions);
    const start = performance.now();
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof FormatError))
        throw new Error(`seed ${seed}, variant ${variant}`, { cause: error });
      expect(error.message).toMatch(/^evil[^\n]*: .+ \(at 0x[0-9a-f]+\): ./);
      expect(Number.isSafeInteger(error.offset)).toBe(true);
      refused++;
    }
    expect(performance.now() - start).toBeLessThan(LIMIT_MS);
  }
  return refused;
}

/** Everything that a loader reads of a module. */
function readModule(bytes: Uint8Array): void {
  const file = parseElf(splitModuleSignature(bytes, 'evil.ko').module, 'evil.ko');
  file.symbols();
  for (const section of file.relocationSections()) {
    let sum = 0n;
    for (const relocation of file.relocations(section)) sum += relocation.addend;
    expect(typeof sum).toBe('bigint');
  }
  file.segments();
  parseModinfo(file.section('.modinfo')?.data ?? new Uint8Array(0));
  parseModversions(file);
}

describe('hostile input', () => {
  it('ELF: the file header', () => {
    expect(attack(1, module, [[0, 64]], readModule)).toBeGreaterThan(VARIANTS / 3);
  });

  it('ELF: section headers', () => {
    expect(attack(2, module, [[elf.header.shoff, elf.header.shnum * 64]], readModule)).toBeGreaterThan(
      VARIANTS / 5,
    );
  });

  it('ELF: symbols, relocations, versions, strings', () => {
    const tables = elf.sections.filter(
      (s) => s.data.length > 0 && /symtab|strtab|rela|versions|modinfo/.test(s.name),
    );
    const regions = tables.map((s) => [s.offset, s.size] as const);
    expect(attack(3, module, regions, readModule)).toBeGreaterThan(VARIANTS / 5);
  });

  it('BTF of a module: header, types and strings', () => {
    const base = Btf.parse(loadBundledBtf(), 'vmlinux');
    const section = elf.section('.BTF');
    expect(section).toBeDefined();
    const bytes = section?.data ?? new Uint8Array(0);
    const typesLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
    const refused = attack(
      4,
      bytes,
      [
        [0, 24],
        [24, typesLength],
        [24, typesLength],
      ],
      (copy) => readTypes(Btf.parseSplit(base, copy, 'evil.ko: .BTF'), base.typeCount),
    );
    expect(refused).toBeGreaterThan(VARIANTS / 5);
  });

  it('BTF that stands alone', () => {
    const whole = new Btf3();
    const refused = attack(5, whole.bytes, [[0, whole.bytes.length]], (copy) =>
      readTypes(Btf.parse(copy, 'evil'), 1),
    );
    expect(refused).toBeGreaterThan(VARIANTS / 5);
  });

  it.skipIf(!hasTools()).each(['xz', 'gzip', 'zstd'])('%s', (command) => {
    const packed = execFileSync(command, ['-c'], { input: module, maxBuffer: 1 << 24 });
    const regions = [
      [0, 40],
      [0, packed.length],
      [Math.max(packed.length - 40, 0), 40],
    ] as const;
    expect(attack(6, packed, regions, (copy) => unpack(copy, 'evil', 64 << 20))).toBeGreaterThan(
      VARIANTS / 3,
    );
  });

  it('deb', () => {
    const script =
      'set -e; d=$(mktemp -d); cd $d; mkdir a; head -c 3000 /dev/zero > a/file; tar -cf data.tar a; echo 2.0 > debian-binary; ar r x.deb debian-binary data.tar 2>/dev/null; cat x.deb; rm -r $d';
    const deb = execFileSync('sh', ['-c', script]);
    const regions = [
      [0, 200],
      [136, 1200],
    ] as const;
    expect(
      attack(7, deb, regions, (copy) => void [...debFiles(copy, 'evil.deb', () => true)]),
    ).toBeGreaterThan(VARIANTS / 3);
  });
});

const tree = await corpusTree();

describe.skipIf(tree === undefined)('hostile kernel images', () => {
  it('vmlinuz: the setup header', () => {
    const image = readFileSync(join(tree ?? '', `boot/vmlinuz-${CORPUS_RELEASE}`));
    const random = new Random(8);
    for (let variant = 0; variant < 300; variant++) {
      // Without its payload's end: unpacking a whole kernel each time would take minutes.
      const copy = mutate(image.subarray(0, 0x8000), random, [
        [0x1f1, 0x70],
        [0x248, 8],
      ]);
      expect(() => extractVmlinux(copy, 'evil')).toThrow(FormatError);
    }
  });
});

/** Asks everything of every type. */
function readTypes(btf: Btf, from: number): void {
  for (const kind of ['struct', 'union', 'enum', 'typedef', 'func', 'var'] as const) {
    for (const { name } of btf.namesOf(kind)) btf.findType(name);
  }
  for (let ref = from; ref < btf.typeCount; ref++) {
    ask(() => btf.typeName(ref));
    ask(() => btf.classify(ref));
    ask(() => btf.sizeOf(ref));
    ask(() => btf.structMembers(ref));
    ask(() => btf.findField(ref, 'list.next'));
    ask(() => btf.enumValues(ref));
    ask(() => btf.findPrototype(ref));
  }
  btf.findEnumValue('nothing');
}

/** What a type is not may be said; what it is may be damaged, which the caller counts. */
function ask(question: () => unknown): void {
  try {
    question();
  } catch (error) {
    if (!(error instanceof UnknownTypeError)) throw error;
  }
}

/** A small BTF with every kind: an int, a pointer, an array, structs that nest, an enum, a function. */
class Btf3 {
  readonly bytes: Uint8Array;

  constructor() {
    const strings = '\0int\0node\0next\0value\0list\0colour\0RED\0func\0arg\0word\0';
    const at = (name: string): number => strings.indexOf(`\0${name}\0`) + 1;
    const kind = (k: number, vlen = 0): number => (k << 24) | vlen;
    const words = [
      [at('int'), kind(1), 4, 0x01000020],
      [0, kind(2), 4],
      [0, kind(3), 0, 1, 1, 3],
      [at('node'), kind(4, 3), 24, at('next'), 2, 0, at('value'), 3, 64, 0, 5, 160],
      [0, kind(5, 1), 4, at('list'), 1, 0],
      [at('colour'), kind(6, 1), 4, at('RED'), 7],
      [at('word'), kind(8), 9],
      [0, kind(9), 10],
      [0, kind(10), 8],
      [0, kind(11), 2],
      [0, kind(13, 2), 1, at('arg'), 7, 0, 0],
      [at('func'), kind(12), 11],
      [at('value'), kind(14), 1, 0],
      [at('list'), kind(15, 1), 4, 13, 0, 4],
      [at('word'), kind(19, 1), 8, at('RED'), 7, 1],
    ].flat();
    const header = new Uint32Array([0x0001eb9f, 24, 0, words.length * 4, words.length * 4, strings.length]);
    this.bytes = Buffer.concat([
      Buffer.from(header.buffer),
      Buffer.from(new Uint32Array(words).buffer),
      Buffer.from(strings),
    ]);
  }
}

function hasTools(): boolean {
  try {
    for (const tool of ['xz', 'gzip', 'zstd']) execFileSync(tool, ['--version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}
