import type { AddressSpace } from '../../cpu/address-space.js';
import { HOST_RETURN } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Task } from './task.js';

/** One step of a walk up a stack: a return address, or a function of the base kernel that had called guest code. */
export type StackEntry =
  | { readonly kind: 'guest'; readonly address: Ptr }
  | { readonly kind: 'host'; readonly name: string };

/** The guard page below a stack. */
const GUARD = 4096;

/**
 * Every return address on a task's stack that follows a call instruction, innermost first, with the base kernel's own functions where
 * they had called guest code. `from` is the lowest byte in use.
 */
export function* walkStack(space: AddressSpace, task: Task, from: Ptr): Generator<StackEntry> {
  const top = task.stackBase + task.stackSize;
  // A stack that overflowed is walked from its end on.
  const first = from < task.stackBase && from >= task.stackBase - GUARD ? task.stackBase : from;
  if (first < task.stackBase || first >= top) return;
  const hosts = task.activations.flatMap((activation) =>
    activation.kind === 'host' ? [activation.name] : [],
  );
  // One that guest code is still waiting for has pushed nothing yet.
  const guests = task.activations.length - hosts.length;
  if (hosts.length > guests && guests > 0) yield { kind: 'host', name: hosts.pop()! };
  for (let at = first & ~7; at < top; at += 8) {
    const value = space.load64(at);
    if (value === HOST_RETURN) {
      const name = hosts.pop();
      if (name !== undefined) yield { kind: 'host', name };
      continue;
    }
    const address = space.fromAddress(value);
    if (isReturnAddress(space, address)) yield { kind: 'guest', address };
  }
}

/** Whether the bytes before an executable address end in a call: e8 rel32, or ff /2 with its operand. */
export function isReturnAddress(space: AddressSpace, address: Ptr): boolean {
  if (!space.isExecutable(address) || !space.isExecutable(address - 7)) return false;
  if (!space.canRead(address - 7, 7)) return false;
  const { bytes } = space;
  if (bytes[address - 5] === 0xe8) return true;
  for (const length of [2, 3, 4, 6, 7]) {
    const opcode = bytes[address - length];
    const modrm = bytes[address - length + 1];
    if (opcode === 0xff && ((modrm >> 3) & 7) === 2) return true;
  }
  return false;
}
