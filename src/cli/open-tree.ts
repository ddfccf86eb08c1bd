import { existsSync } from 'node:fs';
import { release as hostRelease } from 'node:os';
import { DiskFiles, DiskIndexCache, type FileSource, ModuleTree, TargetStore, UsageError } from '../tools.js';
import { openRoot } from './open-root.js';

/** Options of the commands that read a module tree. */
export const TREE_OPTIONS = { root: { type: 'string' }, release: { type: 'string' } } as const;

export const TREE_HELP = `  --root DIR        the file tree: DIR/lib/modules/RELEASE, DIR/etc/modprobe.d, ...; a .deb, a tar archive or an
                    initramfs too (default: MODBOX_ROOT, else /, else the tree that a target of the release was added from)
  --release R       of which kernel (default: MODBOX_UNAME_R, the only one in the tree, or the machine's)
`;

export interface TreeFlags {
  readonly root?: string | undefined;
  readonly release?: string | undefined;
}

/** The module tree that the command line means. Throws UsageError where there is none. */
export function openModuleTree(flags: TreeFlags): ModuleTree {
  const root = flags.root ?? process.env.MODBOX_ROOT ?? '';
  const given = root === '' ? new DiskFiles('') : openRoot(root);
  const release = flags.release ?? process.env.MODBOX_UNAME_R ?? onlyRelease(given) ?? hostRelease();
  const isThere = given.list(`/lib/modules/${release}`) !== undefined;
  const files = isThere || root !== '' ? given : (treeOfTarget(release) ?? given);
  if (!files.list(`/lib/modules/${release}`))
    throw new UsageError(`${root}/lib/modules/${release}: no such directory; see --root and --release`);
  return new ModuleTree(files, { release, cache: new DiskIndexCache() });
}

/** Where nobody names a tree, and the host has none of the release: the one that the target was added from. */
function treeOfTarget(release: string): FileSource | undefined {
  const tree = new TargetStore().find(release)?.tree;
  return tree === undefined || !existsSync(tree) ? undefined : openRoot(tree);
}

function onlyRelease(files: FileSource): string | undefined {
  const releases = (files.list('/lib/modules') ?? []).filter(({ kind }) => kind === 'directory');
  return releases.length === 1 ? releases[0].name : undefined;
}
