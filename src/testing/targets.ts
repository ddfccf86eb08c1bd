import { join } from 'node:path';
import { type LinuxTarget, readTarget } from '../target/index.js';
import { loadBundled, sourceOfPath, TargetStore } from '../target/node/index.js';
import { CORPUS_RELEASE, cacheFolder, corpusTree, type Flavour, flavourTree, newerTree } from './corpus.js';

/** Debian's 6.12, undefined where its package cannot be had. */
export async function newerTarget(): Promise<LinuxTarget | undefined> {
  return targetOf(await newerTree());
}

/** Debian's 6.1 of another configuration, undefined where its package cannot be had. */
export async function flavourTarget(flavour: Flavour): Promise<LinuxTarget | undefined> {
  return targetOf(await flavourTree(flavour));
}

/** The kernels at hand: the bundled one, and those of other versions and configurations that can be had. */
export async function knownTargets(): Promise<readonly LinuxTarget[]> {
  const others = [await newerTarget(), await flavourTarget('cloud'), await flavourTarget('rt')];
  return [loadBundled(), ...others.flatMap((target) => target ?? [])];
}

function targetOf(tree: string | undefined): LinuxTarget | undefined {
  if (tree === undefined) return undefined;
  const { source, release } = sourceOfPath(tree);
  return readTarget(source, { release });
}

/** Debian 12's kernel with its image, undefined where its package cannot be had. Made once, and kept beside the packages. */
export async function imageTarget(): Promise<LinuxTarget | undefined> {
  const tree = await corpusTree();
  return tree === undefined ? undefined : targetWithImage(tree, CORPUS_RELEASE);
}

/** Debian's 6.12 with its image. */
export async function newerImageTarget(): Promise<LinuxTarget | undefined> {
  const tree = await newerTree();
  return tree === undefined ? undefined : targetWithImage(tree, sourceOfPath(tree).release);
}

function targetWithImage(tree: string, release: string | undefined): LinuxTarget {
  const store = new TargetStore(join(cacheFolder(), 'targets'));
  const known = release === undefined ? undefined : store.find(release);
  return known?.os === 'linux' && known.image ? known : store.add(tree);
}
