import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  parseElf,
  R_X86_64_32S,
  R_X86_64_64,
  RelocationError,
  type RelocationInput,
  relocateX8664,
} from './index.js';

const FILE = join(import.meta.dirname, '../../../tests/modules/hello.ko');
const ORIGIN = 0x1000;
/** Kernel addresses are in the uppermost 2 GiB: what refers to them fits in 32 bits with a sign. */
const asValue = (address: number): number => address - 0x8000_0000;

/** The relocations of a section of hello.ko, and memory that holds its bytes. */
function section(name: string) {
  const elf = parseElf(new Uint8Array(readFileSync(FILE)), 'hello.ko', 'module');
  const rela = elf.sections.find((s) => s.name === `.rela${name}`)!;
  const data = elf.sections[rela.info].data.slice();
  const input: RelocationInput = {
    view: new DataView(data.buffer),
    origin: ORIGIN,
    values: elf.symbols().map((_, i) => asValue(0x10_0000 + 16 * i)),
    valueOf: asValue,
  };
  return { relocations: elf.relocations(rela), place: { address: ORIGIN, size: data.length }, input };
}

const problemOf = (run: () => void): string | undefined => {
  try {
    run();
  } catch (error) {
    if (error instanceof RelocationError) return error.problem;
    throw error;
  }
  return undefined;
};

describe('relocations of x86-64', () => {
  it('put S + A, less P where they are relative, in every place of a real module', () => {
    const { relocations, place, input } = section('.init.text');
    relocateX8664(relocations, place, input);
    expect(relocations.length).toBeGreaterThan(5);
    for (let i = 0; i < relocations.length; i++) {
      const at = relocations.offset(i);
      const sum = input.values[relocations.symbol(i)]! + relocations.addendNumber(i);
      const type = relocations.type(i);
      const expected = type === R_X86_64_32S || type === R_X86_64_64 ? sum : sum - asValue(ORIGIN + at);
      expect(input.view.getInt32(at, true)).toBe(expected);
    }
  });

  it('are not applied twice', () => {
    const { relocations, place, input } = section('.init.text');
    relocateX8664(relocations, place, input);
    expect(problemOf(() => relocateX8664(relocations, place, input))).toBe('not-zero');
  });

  it('outside of their section, or of no symbol, are refused', () => {
    const { relocations, place, input } = section('.init.text');
    expect(problemOf(() => relocateX8664(relocations, { ...place, size: 4 }, input))).toBe('outside');
    expect(problemOf(() => relocateX8664(relocations, place, { ...input, values: [0] }))).toBe('no-symbol');
  });

  it('that do not reach their symbol are refused', () => {
    const { relocations, place, input } = section('.init.text');
    const types = Array.from({ length: relocations.length }, (_, i) => relocations.type(i));
    expect(types).toContain(R_X86_64_32S);
    const far = { ...input, values: input.values.map(() => -0x7000_0000_0000) };
    expect(problemOf(() => relocateX8664(relocations, place, far))).toBe('overflow');
  });
});
