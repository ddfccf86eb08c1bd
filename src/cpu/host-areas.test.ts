import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AddressSpace } from './address-space.js';
import { RCX, RDI } from './cpu-types.js';
import {
  CPU_AREA,
  CPU_AREA_SIZE,
  GRANULE,
  HOST_AREA,
  MEMORY_BYTES,
  PAGE_SIZE,
  READ_TABLE,
  READ_TAGS,
  WRITE_TABLE,
  WRITE_TAGS,
} from './layout.js';
import { CODE, machine, type TestMachine } from './testing/machine.js';
import { RAM, TEST_MAP } from './testing/memory-map.js';

/** Accesses of each kind of check: quick, by ranges, by the frame, by the glue, by the host. */
const ACCESSES: readonly { readonly name: string; readonly bytes: number; readonly code: string }[] = [
  { name: 'a byte', bytes: 1, code: 'mov byte ptr [rdi], 0x41\nret' },
  { name: 'eight bytes', bytes: 8, code: 'mov rax, -1\nmov [rdi], rax\nret' },
  { name: 'eight bytes read', bytes: 8, code: 'mov rax, [rdi]\nret' },
  { name: 'a vector', bytes: 32, code: 'vmovdqu [rdi], ymm0\nret' },
  {
    name: 'a range of a page',
    bytes: 4096,
    code: 'mov byte ptr [rdi], 1\nmov byte ptr [rdi+2000], 2\nmov byte ptr [rdi+4095], 3\nret',
  },
  { name: 'a range of more', bytes: 8000, code: 'mov byte ptr [rdi], 1\nmov byte ptr [rdi+7999], 2\nret' },
  { name: 'the stack', bytes: 8, code: 'lea rsp, [rdi+8]\npush rcx\nret' },
  { name: 'rep stosb', bytes: 64, code: 'mov ecx, 64\nrep stosb\nret' },
  { name: 'rep movsq', bytes: 64, code: 'mov ecx, 8\nmov rsi, rdi\nrep movsq\nret' },
  { name: 'cmpxchg16b', bytes: 16, code: 'lock cmpxchg16b [rdi]\nret' },
];

/** Upper halves with which addresses come near the areas: NULL's, the direct map's, those of the regions, others. */
const UPPERS = [0, 0xffff_ffff, RAM.upper, 0xffff_c900, 0x7ffe, 1, 0x8000_0000] as const;

const AREAS: readonly (readonly [name: string, start: number, end: number])[] = [
  ['tags', 0, GRANULE],
  ['registers', CPU_AREA, CPU_AREA + CPU_AREA_SIZE],
  ['tables', HOST_AREA, MEMORY_BYTES],
];

/** The address with an upper half whose linear offset is so. */
const addressOf = (linear: number, upper: number): bigint =>
  BigInt.asUintN(64, (BigInt(upper) << 32n) + (BigInt(linear >>> 0) ^ 0x8000_0000n));

function hash(m: TestMachine): string {
  const sum = createHash('sha256');
  for (const [start, bytes] of [
    [READ_TAGS, GRANULE],
    [READ_TABLE, MEMORY_BYTES - HOST_AREA],
  ])
    sum.update(new Uint8Array(m.space.memory.buffer, start, bytes));
  return sum.digest('hex');
}

describe('what the host keeps in the memory of the guest', () => {
  it.each(ACCESSES)('is out of reach of $name, from every page', ({ code, bytes }) => {
    const m = machine();
    m.load(code);
    const before = hash(m);
    let reached = '';
    for (const [area, start, end] of AREAS)
      for (let page = start; page < end; page += PAGE_SIZE)
        for (const linear of [page, page + PAGE_SIZE - (bytes % PAGE_SIZE || 1), page + PAGE_SIZE - 3])
          for (const upper of page % (16 * PAGE_SIZE) === 0 || page < 4 * PAGE_SIZE
            ? UPPERS
            : UPPERS.slice(0, 3)) {
            m.prepare();
            m.cpu.set(RDI, addressOf(linear, upper));
            m.cpu.set(RCX, 1n);
            const exit = m.cpu.run();
            if (exit.kind !== 'exception')
              reached ||= `${area}: ${addressOf(linear, upper).toString(16)} ${exit.kind}`;
          }
    expect(reached).toBe('');
    expect(hash(m)).toBe(before);
  });

  it('cannot be mapped', () => {
    const space = new AddressSpace(TEST_MAP);
    const rights = { read: true, write: true, execute: false };
    for (const [, start] of AREAS) expect(() => space.map(start, PAGE_SIZE, rights)).toThrow(RangeError);
  });
});

describe('memory that is given back', () => {
  it('is the same memory, with nothing accessible', () => {
    const space = new AddressSpace(TEST_MAP);
    space.map(CODE, PAGE_SIZE, { read: true, write: true, execute: false });
    space.store8(CODE, 7);
    expect(space.release()).toBe(space.memory);
    const next = new AddressSpace(TEST_MAP, space.memory);
    expect(next.isMapped(CODE)).toBe(false);
    expect(next.bytes[CODE]).toBe(0);
  });

  it.each([
    ['a tag of a page that is never mapped', READ_TAGS + 8],
    ['a tag', WRITE_TAGS + 0x7f_f000],
    ['an entry of the tables', WRITE_TABLE + 0x3f_fffc],
  ])('is another one where %s was written to', (_, at) => {
    const space = new AddressSpace(TEST_MAP);
    new Uint8Array(space.memory.buffer)[at] = 0x41;
    expect(space.release()).not.toBe(space.memory);
  });
});
