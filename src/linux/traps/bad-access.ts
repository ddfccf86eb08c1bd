import type { CpuException } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import type { SlabAccesses } from '../../kernel/mm/bad-access.js';
import type { Task } from '../../kernel/task/task.js';
import { Modules } from '../kallsyms/modules.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { callTrace } from './call-trace.js';
import { findFixup } from './tables.js';

/** An instruction met poison (CpuException.poisoned): it is reported, and can be resumed then. */
export function reportPoisoned(k: LinuxKernel, task: Task, rip: Ptr, exception: CpuException): void {
  const at = k.space.fromAddress(exception.address!);
  const size = exception.poisoned!;
  const module = k.get(Modules).moduleAt(rip);
  // What may fault anywhere (copy_from_kernel_nofault) reads what it finds.
  if (module && findFixup(k, module, rip)) accesses(k).allowWords(at, size);
  else report(k, task, rip, at, size, exception.access ?? 'read');
}

/** The export being served is given memory to read or write: reported as if its caller did that. */
export function checkGiven(k: LinuxKernel, ptr: Ptr, bytes: number, access: 'read' | 'write'): void {
  const task = k.executor.current;
  const bad = task && accesses(k).firstBad(ptr, bytes);
  if (task && bad !== undefined) report(k, task, task.caller, bad, ptr + bytes - bad, access);
}

function accesses(k: LinuxKernel): SlabAccesses {
  return k.traps.slabAccesses;
}

/** Reported once for each object. */
function report(k: LinuxKernel, task: Task, rip: Ptr, at: Ptr, size: number, access: string): void {
  const { kind, text } = accesses(k).meet(at, size, access);
  const trace = [symbolize(k, rip), ...callTrace(k, task)];
  k.traps.record(task, rip, kind, text, k.space.toAddress(at), trace);
}
