import { HOST_RETURN } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Task } from '../../kernel/task/task.js';
import { symbolAt, symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';

const MAX_ENTRIES = 24;
/** The guard page below a stack. */
const GUARD = 4096;

/**
 * The call trace of a task: every return address on its stack that follows a call instruction, innermost
 * first, with the base kernel's own functions where they had called guest code.
 */
export function callTrace(k: LinuxKernel, task: Task, from: Ptr = k.convention.stack): string[] {
  const { space } = k;
  const top = task.stackBase + task.stackSize;
  // A stack that overflowed is walked from its end on.
  const first = from < task.stackBase && from >= task.stackBase - GUARD ? task.stackBase : from;
  if (first < task.stackBase || first >= top) return [];
  const hosts = task.activations.flatMap((activation) =>
    activation.kind === 'host' ? [activation.name] : [],
  );
  const trace: string[] = [];
  // One that guest code is still waiting for has pushed nothing yet.
  const guests = task.activations.length - hosts.length;
  if (hosts.length > guests && guests > 0) trace.push(hosts.pop()!);
  for (let at = first & ~7; at < top && trace.length < MAX_ENTRIES; at += 8) {
    const value = space.load64(at);
    if (value === HOST_RETURN) {
      const name = hosts.pop();
      if (name !== undefined) trace.push(name);
      continue;
    }
    const address = space.fromAddress(value);
    if (isReturnAddress(k, address)) trace.push(symbolizeReturn(k, address));
  }
  return trace;
}

/** The module that the innermost guest frame of a task is in. */
export function moduleOf(k: LinuxKernel, task: Task, rip: Ptr): string {
  const { space } = k;
  const own = symbolAt(k, rip)?.module;
  if (own !== undefined) return own;
  const from = k.convention.stack;
  const top = task.stackBase + task.stackSize;
  if (from < task.stackBase || from >= top) return symbolAt(k, task.caller)?.module ?? '';
  for (let at = from & ~7; at < top; at += 8) {
    const address = space.loadPtr(at);
    if (isReturnAddress(k, address)) return symbolAt(k, address)?.module ?? '';
  }
  return symbolAt(k, task.caller)?.module ?? symbolAt(k, task.entry)?.module ?? '';
}

/** A return address belongs to the call before it: tail positions would otherwise name the next function. */
function symbolizeReturn(k: LinuxKernel, address: Ptr): string {
  const before = symbolAt(k, address - 1);
  return before && symbolAt(k, address)?.name !== before.name
    ? symbolize(k, address - 1)
    : symbolize(k, address);
}

/** Whether the bytes before an executable address end in a call: e8 rel32, or ff /2 with its operand. */
function isReturnAddress(k: LinuxKernel, address: Ptr): boolean {
  const { space } = k;
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
