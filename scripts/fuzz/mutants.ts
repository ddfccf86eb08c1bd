import { mutate } from '../../src/testing/mutate.js';
import { Random } from '../../src/testing/random.js';
import type { FuzzTarget, Seed } from './target.js';

/** A damaged input, made from its number alone: the same in every run. */
export interface Mutant {
  readonly seed: Seed;
  readonly bytes: Uint8Array;
}

export function mutantOf(target: FuzzTarget, number: number): Mutant {
  const random = new Random(Math.imul(number + 1, 0x9e37_79b1));
  for (let i = 0; i < 8; i++) random.below(2);
  const seed = random.pick(target.seeds());
  const whole = [[0, seed.bytes.length]] as const;
  return { seed, bytes: mutate(seed.bytes, random, seed.regions ?? whole) };
}

/**
 * Undoes as much of the damage as can be undone while `fails` still says so: piece by piece, in ever smaller pieces
 * (delta debugging). Inputs of another length than the seed's are left as they are.
 */
export function minimise(mutant: Mutant, fails: (bytes: Uint8Array) => boolean): Uint8Array {
  const { seed } = mutant;
  const bytes = mutant.bytes.slice();
  if (bytes.length !== seed.bytes.length) return bytes;
  let differing = differences(seed.bytes, bytes);
  for (let pieces = 1; pieces <= 2 * differing.length && differing.length > 1; pieces *= 2) {
    const size = Math.ceil(differing.length / pieces);
    for (let from = 0; from < differing.length; from += size) {
      const trial = bytes.slice();
      for (const at of differing.slice(from, from + size)) trial[at] = seed.bytes[at];
      if (fails(trial)) bytes.set(trial);
    }
    differing = differences(seed.bytes, bytes);
  }
  return bytes;
}

function differences(a: Uint8Array, b: Uint8Array): number[] {
  const found: number[] = [];
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) found.push(i);
  return found;
}
