import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { loadBundled } from '../../../target/node/index.js';
import { corpusTree } from '../../../testing/corpus.js';
import type { RunReport } from '../../run-report.js';
import { Machine } from '../machine.js';
import { runModule } from '../module-run.js';
import { DiskIndexCache } from '../node/index-cache.js';

/** Loads a module of Debian's package in a machine of its own, and unloads it. Undefined without the package. */
export async function debianRun(name: string): Promise<RunReport | undefined> {
  const root = await corpusTree();
  if (root === undefined) return undefined;
  const machine = Machine.boot({
    target: loadBundled(),
    files: new DiskFiles(root),
    indexCache: new DiskIndexCache(),
  });
  return runModule(machine, { kind: 'name', name }, { now: () => 0, bootMs: 0 });
}
