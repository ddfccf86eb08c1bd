import type { AddressSpace } from '../cpu/address-space.js';
import { GuestFault } from '../cpu/fault.js';
import type { Ptr } from '../cpu/layout.js';

/** What a fault report is about. */
export type FaultKind =
  | 'null-dereference'
  | 'page-fault'
  | 'stack-overflow'
  | 'execute-fault'
  | 'write-protected'
  | 'general-protection'
  | 'invalid-opcode'
  | 'divide-error'
  | 'exception'
  | 'bug'
  | 'warning'
  | 'panic'
  | 'stack-corruption'
  | 'soft-lockup'
  | 'out-of-memory'
  | 'endless'
  | 'timeout'
  | 'deadlock'
  | 'sleep-in-atomic'
  | 'lock-misuse'
  | 'preempt-imbalance'
  | 'double-free'
  | 'bad-free'
  | 'out-of-bounds'
  | 'use-after-free'
  | 'list-corruption'
  | 'refcount'
  | 'dma-misuse'
  | 'left-behind'
  | 'hidden-module'
  | 'unimplemented-instruction'
  | 'unimplemented-export'
  | 'internal';

/** The base kernel itself found that the running task cannot go on (BUG(), panic, a fatal lock misuse). */
export class Oops extends Error {
  override readonly name = 'Oops';

  constructor(
    readonly kind: FaultKind,
    /** First line of the oops, as the kernel words it. */
    message: string,
    readonly address: Ptr = 0,
    /** What it is about, where the first line does not tell. */
    readonly reason?: string,
  ) {
    super(message);
  }
}

/** Somebody waits for what only ends when they go on: on Linux the task, and often the CPU, stops for ever. */
export function selfWait(fn: string, what: string, at: Ptr): Oops {
  return new Oops('deadlock', `BUG: ${fn}() of ${what}: it would wait for itself for ever`, at);
}

/**
 * What happens to a module that gives a pointer to what is no object of the kind that a function takes: the fault of reading it
 * where nothing is, else the kernel would be led astray by what it finds there.
 */
export function noSuchObject(space: AddressSpace, ptr: Ptr, kind: string): GuestFault | Oops {
  const address = space.toAddress(ptr);
  if (!space.canRead(ptr, 8)) return new GuestFault(address, 'read', 8);
  const text = `general protection fault: 0x${address.toString(16)} is no ${kind}: 0000`;
  return new Oops('general-protection', text, ptr);
}

/** ERR_PTR(-errno), as a `Ptr` (see cpu/layout.ts on TOP). */
export function errPtr(errno: number): Ptr {
  return 0x8000_0000 - errno;
}

export function isErr(ptr: Ptr): boolean {
  return ptr >= 0x8000_0000 - 4095 && ptr < 0x8000_0000;
}

/** PTR_ERR: the negative error number in an ERR_PTR. */
export function ptrErr(ptr: Ptr): number {
  return ptr - 0x8000_0000;
}
