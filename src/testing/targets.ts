import { type LinuxTarget, readTarget } from '../target/index.js';
import { loadBundled, sourceOfPath } from '../target/node/index.js';
import { newerTree } from './corpus.js';

/** Debian's 6.12, undefined where its package cannot be had. */
export async function newerTarget(): Promise<LinuxTarget | undefined> {
  const tree = await newerTree();
  if (tree === undefined) return undefined;
  const { source, release } = sourceOfPath(tree);
  return readTarget(source, { release });
}

/** The kernels at hand: the bundled one, and the newer one where it can be had. */
export async function knownTargets(): Promise<readonly LinuxTarget[]> {
  const newer = await newerTarget();
  return newer ? [loadBundled(), newer] : [loadBundled()];
}
