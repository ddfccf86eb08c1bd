import type { CodeObserver, Instrumentation } from './instrumentation.js';
import type { Ptr } from './layout.js';

/** Number of a general register, as x86-64 encodes it. */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;

export type Vector = 'DE' | 'DB' | 'BP' | 'OF' | 'BR' | 'UD' | 'NM' | 'SS' | 'GP' | 'PF' | 'AC' | 'XM';

/** An x86 exception. RIP in the register file is the faulting instruction, all registers are precise. */
export interface CpuException {
  readonly vector: Vector;
  /** #PF: the address accessed (CR2). */
  readonly address?: bigint;
  /** #PF: what the access wanted. */
  readonly access?: 'read' | 'write' | 'execute';
  /**
   * #PF of no real processor: so many bytes that are mapped but belong to nobody, memory that was freed or lies between objects
   * (AddressSpace.poison). The instruction can be resumed once they are allowed.
   */
  readonly poisoned?: number;
  /** Set when the instruction is valid on this CPU but modbox does not translate it: its text. */
  readonly unimplemented?: string;
}

/** Why Cpu.run came back. In every case the register file is complete. */
export type Exit =
  /** The code returned to HOST_RETURN: the guest function that was called has finished; RAX is its result. */
  | { readonly kind: 'returned' }
  | { readonly kind: 'exception'; readonly exception: CpuException }
  /** The instruction budget (Cpu.fuel) ran out; call run() again to go on. */
  | { readonly kind: 'budget' }
  /** A host function called Cpu.unwind(): RSP points at the return address it has yet to return to. */
  | { readonly kind: 'unwound' };

/** An address with a meaning of its own for the translator instead of code. */
export type Thunk =
  /** __x86_indirect_thunk_REG: call or jump to the register's value. */
  | { readonly kind: 'indirect'; readonly register: number }
  /** __x86_return_thunk: a `ret`. */
  | { readonly kind: 'return' }
  /** __fentry__ and the like: returns at once, nothing changes. */
  | { readonly kind: 'nothing' };

/** What a CPU asks of the machine round it: all may be left to the defaults, an empty machine. */
export interface Platform {
  /** Port read of 1, 2 or 4 bytes. An empty bus reads all ones. */
  portIn(port: number, size: 1 | 2 | 4): number;
  portOut(port: number, size: 1 | 2 | 4, value: number): void;
  /** Time-stamp counter. */
  rdtsc(): bigint;
  cpuid(leaf: number, subleaf: number): readonly [eax: number, ebx: number, ecx: number, edx: number];
  /** undefined: #GP. */
  rdmsr(index: number): bigint | undefined;
  /** false: #GP. */
  wrmsr(index: number, value: bigint): boolean;
  readControl(register: number): bigint;
  writeControl(register: number, value: bigint): boolean;
  random(): bigint;
}

/**
 * Called when machine code calls or jumps to the address the function is bound to. Arguments are where
 * the caller's convention has them, in the register file or on the stack; so is the result. Returning normally makes the
 * CPU return to the guest's caller, unless Cpu.unwind() was called meanwhile.
 */
export type HostFunction = () => void;

/** Decides about code that may not run yet, though it is executable: who comes to its entry calls the host instead. */
export interface EntryGuard {
  /** Whether the address is such an entry. */
  stops(ptr: Ptr): boolean;
  /** Code came to one. Afterwards a host function is bound to it (bindHost), or it is none any more (entryChanged). */
  arrived(ptr: Ptr): void;
}

export interface CpuContract {
  /** Binds a host function to an address outside of translated code (an export of the base kernel). */
  bindHost(address: Ptr, fn: HostFunction): void;
  unbindHost(address: Ptr): void;
  guard(guard: EntryGuard): void;
  /** The guard answers otherwise about an address than it did. */
  entryChanged(address: Ptr): void;
  setThunk(address: Ptr, thunk: Thunk): void;
  /** Calls to this address never return: nothing after such a call is decoded as its continuation. */
  setNoReturn(address: Ptr): void;

  /** Reads or writes a general register, by number, as an unsigned 64-bit value. */
  get(register: number): bigint;
  set(register: number, value: bigint): void;
  /** The low 32 bits of a register as a signed number: what `int` arguments are. */
  getInt(register: number): number;
  /** A register as a pointer (AddressSpace.fromHalves). */
  getPtr(register: number): Ptr;
  setPtr(register: number, value: Ptr): void;
  rip: bigint;
  /** All of RFLAGS, materialised. */
  rflags: bigint;
  gsBase: bigint;
  /** Control and status register of vector floating point. */
  mxcsr: number;

  /** Instructions that may still execute before run() exits with 'budget'. */
  fuel: number;
  /** Instructions executed since boot (as counted through fuel). */
  readonly executed: number;
  /** As `executed`, with what was charged for work of others. */
  readonly elapsed: number;
  /** Uses fuel up without executing anything: for what the host did on behalf of guest code, told in instructions. */
  charge(instructions: number): void;

  /** Runs from the register file's RIP. Re-entrant: a host function may call it. */
  run(): Exit;
  /**
   * From within a host function: do not return to the guest's caller; let run() exit with 'unwound'. Every
   * translated frame between returns at once.
   */
  unwind(): void;
  /** Saves and restores a task's registers: what a task switch needs, which is all but vector registers. */
  saveContext(): ArrayBufferLike;
  loadContext(context: ArrayBufferLike): void;
  /** Has translated code tell `observer` of what it does; PLAIN has it tell nothing. It may be called from within a host function. */
  instrument(what: Instrumentation, observer: CodeObserver): void;
  /** Copies flags of interrupt enablement: `sti`/`cli` act on this bit of RFLAGS only. */
  interruptsEnabled: boolean;
}

/** The return address that the host pushes below a guest function it calls. Never mapped. */
export const HOST_RETURN = 0xffff_ffff_ff00_0000n;
