import type { Allocation } from '../kernel/mm/ledger.js';
import type { ModuleHistory } from '../linux/kallsyms/module-history.js';
import type { LinuxKernel } from '../linux/kernel.js';

/** Memory that a module had allocated and did not give back: one entry for each place that allocates. */
export interface Leak {
  /** What allocated it: slab, pages, vmalloc, percpu, ioremap. */
  readonly kind: string;
  readonly bytes: number;
  readonly count: number;
  /** `function+0x12/0x40 [module]` */
  readonly allocatedBy: string;
}

/** Allocations that unloaded modules made since a mark and that are still there. */
export function leaksSince(k: LinuxKernel, archive: ModuleHistory, mark: number): Leak[] {
  const found = new Map<string, { kind: Leak['kind']; bytes: number; count: number; allocatedBy: string }>();
  for (const allocation of k.ledger.since(mark)) {
    const { kind, caller, serial, size } = allocation;
    if (kind === 'module' || kind === 'stack' || !belongsToGone(archive, allocation)) continue;
    const allocatedBy = archive.symbolize(caller, serial);
    const key = `${kind} ${allocatedBy}`;
    const entry = found.get(key) ?? { kind, bytes: 0, count: 0, allocatedBy };
    entry.bytes += size;
    entry.count++;
    found.set(key, entry);
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes);
}

function belongsToGone(archive: ModuleHistory, { caller, serial }: Allocation): boolean {
  return caller !== 0 && archive.goneOwner(caller, serial) !== undefined;
}
