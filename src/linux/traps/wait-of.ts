import type { Task } from '../../kernel/task/task.js';
import { ModuleHistory } from '../kallsyms/module-history.js';
import { symbolAt } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';

/** What a task sleeps in, and for: `mutex_lock() for 'lock' [module]`. */
export function waitOf(k: LinuxKernel, task: Task): string {
  const top = task.activations.flatMap((frame) => (frame.kind === 'host' ? [frame] : [])).at(-1);
  const fn = top ? `${top.name}()` : 'a function of the base kernel';
  const what = awaited(k, task);
  return what === '' ? fn : `${fn} for ${what}`;
}

function awaited(k: LinuxKernel, { waitsFor }: Task): string {
  if (waitsFor === 0) return '';
  const symbol = symbolAt(k, waitsFor);
  if (symbol) {
    const place = symbol.offset === 0 ? symbol.name : `${symbol.name}+0x${symbol.offset.toString(16)}`;
    return symbol.module === undefined ? `'${place}'` : `'${place}' [${symbol.module}]`;
  }
  const object = k.slab.objectFor(waitsFor)?.ptr;
  const allocation = object === undefined ? undefined : k.ledger.get(object);
  if (object === undefined || !allocation || allocation.caller === 0)
    return `0x${k.space.toAddress(waitsFor).toString(16)}`;
  const by = k.get(ModuleHistory).symbolize(allocation.caller, allocation.serial);
  return `what is ${waitsFor - object} bytes into an object allocated by ${by}`;
}
