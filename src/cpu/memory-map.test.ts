import { describe, expect, it } from 'vitest';
import { AddressSpace, PAGE_KERNEL, PAGE_KERNEL_ROX } from './address-space.js';
import { Cpu } from './cpu.js';
import { HOST_RETURN, RAX, RSP } from './cpu-types.js';
import { region } from './layout.js';
import type { MemoryMap } from './memory-map.js';
import { RAM, STACKS, USER } from './testing/memory-map.js';

/** lea rax, [rip]; ret */
const WHERE = Uint8Array.of(0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xc3);
const AFTER_LEA = 7n;

function mapWith(upper: number): MemoryMap {
  return {
    regions: [RAM, region('code', 0x4000_0000, 0x5000_0000, upper), STACKS, USER],
    ram: RAM,
    user: USER,
  };
}

/** Runs the same bytes at the same place of another system's memory, and gives where they think they are. */
function whereIn(map: MemoryMap): bigint {
  const space = new AddressSpace(map);
  const cpu = new Cpu(space);
  const code = 0x4000_0000;
  const stack = STACKS.start + 0x1000;
  space.map(code, 4096, PAGE_KERNEL_ROX);
  space.map(stack, 4096, PAGE_KERNEL);
  space.patch(code, WHERE);
  space.store64(stack + 64, HOST_RETURN);
  cpu.setPtr(RSP, stack + 64);
  cpu.rip = space.toAddress(code);
  expect(cpu.run()).toEqual({ kind: 'returned' });
  return cpu.get(RAX);
}

describe('two systems in one process', () => {
  it('share no translation: the addresses in it are those of one map', () => {
    expect(whereIn(mapWith(0xffff_ffff))).toBe(0xffff_ffff_c000_0000n + AFTER_LEA);
    expect(whereIn(mapWith(0xffff_f805))).toBe(0xffff_f805_c000_0000n + AFTER_LEA);
    expect(whereIn(mapWith(0xffff_ffff))).toBe(0xffff_ffff_c000_0000n + AFTER_LEA);
  });
});
