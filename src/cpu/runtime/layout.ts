import { CPU_AREA } from '../layout.js';

/** Offsets in WebAssembly memory of the register file and what else translated code and the run loop share. */
export const REGS = CPU_AREA;
export const RIP = CPU_AREA + 0x80;
/** RFLAGS image, 32 bits. Arithmetic bits are true whenever some code may still read them. */
export const RFLAGS = CPU_AREA + 0x88;
export const GS_BASE = CPU_AREA + 0x90;
export const FS_BASE = CPU_AREA + 0x98;
export const KERNEL_GS_BASE = CPU_AREA + 0xa0;
/** End of what a task switch saves. */
export const CONTEXT_END = CPU_AREA + 0xa8;
/** Instructions left, 64 bits signed. */
export const FUEL = CPU_AREA + 0xa8;
/** One of the EXIT_ codes, when a translated function came back with EXIT. */
export const EXIT_CODE = CPU_AREA + 0xb0;
export const EXIT_SITE = CPU_AREA + 0xb4;
export const EXIT_UNIT = CPU_AREA + 0xb8;
/** Host stack that nested calls may still use, in bytes (estimated), when a host function is called. */
export const DEPTH_LEFT = CPU_AREA + 0xbc;
/** Control and status of vector floating point, 32 bits. */
export const MXCSR = CPU_AREA + 0xc0;
/** Upper 52 bits less page number of addresses in the direct map: what alias accesses show in place of a page's tag. */
export const ALIAS_TAG = CPU_AREA + 0xc8;
/** Not 0: the instruction at hand writes to a device, which has to be told. */
export const DEVICE_WRITE = CPU_AREA + 0xd0;
/** Registers as they were in locals at an exit; the site says which of them are newer than REGS. */
export const SHADOW = CPU_AREA + 0x100;
/** Flag locals at an exit: three 64-bit operands, three 32-bit ones, six flags. */
export const SHADOW_FLAGS = CPU_AREA + 0x180;
/**
 * YMM0 to YMM15, 32 bytes each. A task switch does not save them: code that uses them is not preempted
 * (kernel_fpu_begin), and nothing survives from one such section to the next.
 */
export const VECTORS = CPU_AREA + 0x400;
export const VECTORS_SIZE = 512;
/** As SHADOW, for VECTORS. */
export const SHADOW_VECTORS = CPU_AREA + 0x600;
/** Cache for indirect branches: 4096 entries of address (64 bits) and slot (32). */
export const BRANCH_CACHE = CPU_AREA + 0x1_0000;
export const BRANCH_CACHE_ENTRIES = 4096;

/** Constants of AES, CRC-32C: see runtime/tables.ts. */
export const TABLES = CPU_AREA + 0x2_0000;

/** Offset of a half vector register (see decode/vector-effects.ts) from the start of VECTORS or its shadow. */
export const halfOffset = (half: number): number => (half & 15) * 32 + (half >> 4) * 16;

export const regOffset = (reg: number): number => REGS + reg * 8;

/** What a translated function returns instead of the address it returned to: see EXIT_CODE. */
export const EXIT_RESULT = 1;

/** The register file's RIP says where to go on. */
export const EXIT_CONTINUE = 1;
/** At EXIT_SITE of EXIT_UNIT; registers are still to be taken from SHADOW. */
export const EXIT_AT_SITE = 2;
/** The host decided and has left its reason in the Cpu object. */
export const EXIT_BY_HOST = 3;
