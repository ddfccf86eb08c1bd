import { AddressSpace, PAGE_KERNEL, PAGE_KERNEL_ROX } from '../address-space.js';
import { Cpu, type CpuOptions } from '../cpu.js';
import { type Exit, HOST_RETURN, RSP } from '../cpu-types.js';
import { assemble } from './assemble.js';
import { TEST_MAP } from './memory-map.js';

export const CODE = 0x4000_0000;
export const CODE_ADDRESS = 0xffff_ffff_c000_0000n;
export const DATA = 0x1000_0000;
export const DATA_ADDRESS = 0xffff_8880_9000_0000n;
/** 16 KB stack with a guard page below, as a kernel has. */
export const STACK = 0x5000_1000;
export const STACK_SIZE = 0x4000;
export const STACK_TOP = 0xffff_c900_d000_5000n;

export interface TestMachine {
  readonly space: AddressSpace;
  readonly cpu: Cpu;
  /** Loads assembly at CODE + offset. */
  load(source: string, offset?: number): void;
  loadBytes(code: Uint8Array, offset?: number): void;
  /** Calls a guest function. */
  call(offset?: number): Exit;
  /** Sets up a call, without running. */
  prepare(offset?: number): void;
}

export function machine(options: CpuOptions = {}, codePages = 4): TestMachine {
  const space = new AddressSpace(TEST_MAP);
  const cpu = new Cpu(space, options);
  space.map(DATA, 0x4000, PAGE_KERNEL);
  space.map(STACK, STACK_SIZE, PAGE_KERNEL);
  space.map(CODE, codePages * 4096, PAGE_KERNEL_ROX);
  const prepare = (offset = 0): void => {
    space.store64(STACK + STACK_SIZE - 64, HOST_RETURN);
    cpu.set(RSP, STACK_TOP - 64n);
    cpu.rip = CODE_ADDRESS + BigInt(offset);
  };
  return {
    space,
    cpu,
    prepare,
    load: (source, offset = 0) => space.patch(CODE + offset, assemble(source, CODE_ADDRESS + BigInt(offset))),
    loadBytes: (code, offset = 0) => space.patch(CODE + offset, code),
    call(offset = 0) {
      prepare(offset);
      return cpu.run();
    },
  };
}
