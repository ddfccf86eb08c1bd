import { FORMATS } from './formats.js';
import { MODULES_TARGET } from './modules.js';
import { minimise, mutantOf } from './mutants.js';
import type { FuzzTarget } from './target.js';

export const TARGETS: readonly FuzzTarget[] = [MODULES_TARGET, ...FORMATS];

/** What the worker is started with, and what it says. */
export interface WorkerSetup {
  readonly target: string;
  readonly from: number;
  readonly count: number;
}

export type WorkerWord =
  /** `bytes`: what the process has of the host's memory. */
  | { readonly kind: 'begins'; readonly number: number; readonly bytes: number }
  | {
      readonly kind: 'finding';
      readonly number: number;
      readonly seed: string;
      readonly why: string;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'empty' };

/** A target reads its seeds once. */
function remembering(target: FuzzTarget): FuzzTarget {
  const seeds = target.seeds();
  return { ...target, seeds: () => seeds };
}

function whyItFails(target: FuzzTarget, bytes: Uint8Array): string | undefined {
  try {
    target.run(bytes);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function work({ target: name, from, count }: WorkerSetup, say: (word: WorkerWord) => void): void {
  const found = TARGETS.find((target) => target.name === name);
  if (!found) throw new Error(`no target ${name}`);
  const target = remembering(found);
  if (target.seeds().length === 0) {
    say({ kind: 'empty' });
    return;
  }
  for (let number = from; number < from + count; number++) {
    say({ kind: 'begins', number, bytes: process.memoryUsage.rss() });
    const mutant = mutantOf(target, number);
    const why = whyItFails(target, mutant.bytes);
    if (why === undefined) continue;
    const bytes = minimise(mutant, (trial) => whyItFails(target, trial) !== undefined);
    say({ kind: 'finding', number, seed: mutant.seed.name, why, bytes });
  }
}

if (process.send) work(JSON.parse(process.argv[2]) as WorkerSetup, (word) => void process.send!(word));
