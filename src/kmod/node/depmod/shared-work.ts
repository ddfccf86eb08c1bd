import type { ModuleFacts } from '../../depmod/facts.js';
import { FactsReader } from './file-reader.js';

/** A module's file to read. */
export interface FactsJob {
  /** On the host. */
  readonly path: string;
  /** What errors call it. */
  readonly file: string;
}

/** Jobs that several threads take from, each the next one that nobody has taken. */
export interface SharedJobs {
  readonly jobs: readonly FactsJob[];
  /** One Int32: how many were taken. */
  readonly taken: SharedArrayBuffer;
}

/** Does jobs until there are none left; the facts by place in the list. */
export function workOff({ jobs, taken }: SharedJobs): [number, ModuleFacts][] {
  const counter = new Int32Array(taken);
  const reader = new FactsReader();
  const done: [number, ModuleFacts][] = [];
  for (let next = Atomics.add(counter, 0, 1); next < jobs.length; next = Atomics.add(counter, 0, 1))
    done.push([next, reader.read(jobs[next].path, jobs[next].file)]);
  return done;
}
