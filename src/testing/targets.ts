import { readTarget, type Target } from '../target/index.js';
import { loadBundled, sourceOfPath } from '../target/node/index.js';
import { type Flavour, flavourTree, newerTree } from './corpus.js';

/** Debian's 6.12, undefined where its package cannot be had. */
export async function newerTarget(): Promise<Target | undefined> {
  return targetOf(await newerTree());
}

/** Debian's 6.1 of another configuration, undefined where its package cannot be had. */
export async function flavourTarget(flavour: Flavour): Promise<Target | undefined> {
  return targetOf(await flavourTree(flavour));
}

/** The kernels at hand: the bundled one, and those of other versions and configurations that can be had. */
export async function knownTargets(): Promise<readonly Target[]> {
  const others = [await newerTarget(), await flavourTarget('cloud'), await flavourTarget('rt')];
  return [loadBundled(), ...others.flatMap((target) => target ?? [])];
}

function targetOf(tree: string | undefined): Target | undefined {
  if (tree === undefined) return undefined;
  const { source, release } = sourceOfPath(tree);
  return readTarget(source, { release });
}
