import type { CpuException } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Task } from '../../kernel/task/task.js';
import { Modules } from '../kallsyms/modules.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { callTrace } from './call-trace.js';
import { findFixup } from './tables.js';

/** What guest code did, and the object with its surroundings. */
export interface BadAccess {
  readonly text: string;
  readonly free: boolean;
  readonly start: Ptr;
  readonly bytes: number;
}

/** An instruction met poison (CpuException.poisoned): it is reported, and can be resumed then. */
export function reportPoisoned(k: LinuxKernel, task: Task, rip: Ptr, exception: CpuException): void {
  const at = k.space.fromAddress(exception.address!);
  const size = exception.poisoned!;
  const module = k.get(Modules).moduleAt(rip);
  // What may fault anywhere (copy_from_kernel_nofault) reads what it finds.
  if (module && findFixup(k, module, rip)) allowWords(k, at, size);
  else report(k, task, rip, at, size, exception.access ?? 'read');
}

/** The export being served is given memory to read or write: reported as if its caller did that. */
export function checkGiven(k: LinuxKernel, ptr: Ptr, bytes: number, access: 'read' | 'write'): void {
  const task = k.executor.current;
  if (!task || bytes <= 0 || !k.space.isWatched(ptr)) return;
  const bad = k.space.shadow.firstPoisoned(ptr, bytes);
  if (bad !== undefined) report(k, task, task.caller, bad, ptr + bytes - bad, access);
}

/** Reported once for each object: from then on all of that may be used. */
function report(k: LinuxKernel, task: Task, rip: Ptr, at: Ptr, size: number, access: string): void {
  const found = k.traps.describeMemory(at, access, size);
  const text = found?.text ?? `BUG: ${access} of ${size} bytes of memory that is free`;
  const kind = found?.free === false ? 'out-of-bounds' : 'use-after-free';
  const trace = [symbolize(k, rip), ...callTrace(k, task)];
  k.traps.record(task, rip, kind, text, k.space.toAddress(at), trace);
  if (found) k.space.shadow.allow(found.start, found.bytes);
  allowWords(k, at, size);
}

function allowWords(k: LinuxKernel, at: Ptr, size: number): void {
  const start = at & ~7;
  k.space.shadow.allow(start, Math.ceil((at + size - start) / 8) * 8);
}
