import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ModuleFacts } from '../../depmod/facts.js';
import { type FactsJob, type SharedJobs, workOff } from './shared-work.js';

/** Packed modules of fewer bytes than this are read sooner than a thread is there to help. */
const WORTH_A_THREAD = 2_000_000;
const MOST_THREADS = 8;

/** Reads facts of modules, packed ones in several threads. In the order of the jobs. */
export async function readModules(jobs: readonly FactsJob[]): Promise<ModuleFacts[]> {
  const sizes = new Map(jobs.map((job) => [job, statSync(job.path, { throwIfNoEntry: false })?.size ?? 0]));
  const packed = jobs.filter(({ path }) => !path.endsWith('.ko'));
  const bytes = packed.reduce((sum, job) => sum + sizes.get(job)!, 0);
  const threads = bytes < WORTH_A_THREAD ? 1 : Math.min(availableParallelism(), MOST_THREADS);
  // Large ones first, so that no thread is left alone with one at the end.
  const sorted = threads === 1 ? jobs : [...jobs].sort((a, b) => sizes.get(b)! - sizes.get(a)!);
  const facts = new Map<FactsJob, ModuleFacts>();
  for (const [i, known] of await workTogether(sorted, threads)) facts.set(sorted[i], known);
  return jobs.map((job) => facts.get(job)!);
}

async function workTogether(jobs: readonly FactsJob[], threads: number): Promise<[number, ModuleFacts][]> {
  const shared: SharedJobs = { jobs, taken: new SharedArrayBuffer(4) };
  const script = workerScript();
  const workers = Array.from({ length: script ? threads - 1 : 0 }, () =>
    resultOf(new Worker(script!, { workerData: shared })),
  );
  // Not before the threads are on their way: this does not come back until all jobs are taken.
  await new Promise((resolve) => setImmediate(resolve));
  const own = workOff(shared);
  return [own, ...(await Promise.all(workers))].flat();
}

/** The worker as the bundle has it; undefined where the sources are run as they are, without one. */
function workerScript(): URL | undefined {
  const script = new URL('./facts-worker.js', import.meta.url);
  return existsSync(fileURLToPath(script)) ? script : undefined;
}

function resultOf(worker: Worker): Promise<[number, ModuleFacts][]> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a thread that reads modules ended with status ${code}`)));
  });
}
