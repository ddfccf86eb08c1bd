import { describe, expect, it } from 'vitest';
import { machine } from '../testing/machine.js';
import { CodeCache, type Translation } from './code-cache.js';
import { addressOfEntry, decodeTranslation, encodeTranslation } from './stored-translation.js';

/** Immediates of 64 bits, vector and string instructions, a trap, memory, a loop and a call in it. */
const EVERYTHING = `
  push rbx
  mov rbx, 0x123456789abcdef0
  mov ecx, 3
  1: add [rdi], rbx
  call 2f
  dec ecx
  jnz 1b
  movups xmm0, [rdi]
  paddd xmm0, xmm0
  movups [rdi], xmm0
  cpuid
  pop rbx
  ret
  2: lea rax, [rdi+8]
  ret`;

function translations(source: string): Translation[] {
  const made: Translation[] = [];
  const store = {
    load: () => [],
    save: (_key: string, entry: Uint8Array) => void made.push(decodeTranslation(entry)!),
    flush: () => undefined,
  };
  const m = machine({ codeCache: new CodeCache(store) });
  m.load(source);
  m.call();
  return made;
}

/** All parts, those too that a stored translation makes when it is asked. */
const parts = (t: Translation): unknown => ({
  ptr: t.ptr,
  mode: t.mode,
  instrumentation: t.instrumentation,
  copies: t.copies,
  ranges: t.ranges,
  code: [...t.code],
  asked: t.asked,
  jumped: t.jumped,
  called: t.called,
  sites: t.sites,
  binary: [...t.binary],
  slots: t.slots,
});

describe('translations as bytes', () => {
  const made = translations(EVERYTHING);

  it('are of the address that the entry names', () => {
    expect(made.length).toBeGreaterThan(0);
    for (const translation of made)
      expect(addressOfEntry(encodeTranslation(translation))).toBe(translation.ptr);
  });

  it('come back as they were', () => {
    for (const translation of made)
      expect(parts(decodeTranslation(encodeTranslation(translation))!)).toEqual(parts(translation));
  });

  it('keep immediates of 64 bits', () => {
    const big = 0x7fff_ffff_ffff_fff1n;
    const insn = { op: 'mov', a: undefined, b: { kind: 'imm', value: Number(big), big } };
    const site = {
      kind: 'slow',
      entry: 1,
      address: -2,
      dirty: 0,
      insn,
    } as unknown as Translation['sites'][0];
    const back = decodeTranslation(encodeTranslation({ ...made[0], code: made[0].code, sites: [site] }));
    expect(back!.sites).toEqual([site]);
  });

  it('are none where the bytes are no entry', () => {
    const entry = encodeTranslation(made[0]);
    for (const length of [0, 1, 19, 20, 21, entry.length - 1])
      expect(decodeTranslation(entry.subarray(0, length))).toBeUndefined();
    expect(addressOfEntry(entry.subarray(0, 19))).toBe(-1);
    const damaged = entry.slice();
    damaged[20] = 0x21;
    expect(decodeTranslation(damaged)).toBeUndefined();
  });
});
