import type { Ptr } from '../../cpu/layout.js';
import { isReturnAddress, walkStack } from '../../kernel/task/stack-walk.js';
import type { Task } from '../../kernel/task/task.js';
import { symbolAt, symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';

const MAX_ENTRIES = 24;

/**
 * The call trace of a task: every return address on its stack that follows a call instruction, innermost
 * first, with the base kernel's own functions where they had called guest code.
 */
export function callTrace(k: LinuxKernel, task: Task, from: Ptr = k.convention.stack): string[] {
  const trace: string[] = [];
  for (const entry of walkStack(k.space, task, from)) {
    trace.push(entry.kind === 'host' ? entry.name : symbolizeReturn(k, entry.address));
    if (trace.length >= MAX_ENTRIES) break;
  }
  return trace;
}

/** The innermost function of a module that the running task is in; undefined where it is in none. */
export function moduleFunction(k: LinuxKernel, task: Task): string | undefined {
  for (const entry of walkStack(k.space, task, k.convention.stack))
    if (entry.kind !== 'host' && symbolAt(k, entry.address - 1)?.module !== undefined)
      return symbolizeReturn(k, entry.address);
  return undefined;
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
    if (isReturnAddress(space, address)) return symbolAt(k, address)?.module ?? '';
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
