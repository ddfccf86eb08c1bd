import { release as hostRelease } from 'node:os';
import { ModuleTree } from '../kmod/index.js';
import { DiskFiles } from '../kmod/node/disk-files.js';
import { UsageError } from '../machine/errors.js';
import { DiskIndexCache } from '../machine/node/index-cache.js';

/** Options of the commands that read a module tree. */
export const TREE_OPTIONS = { root: { type: 'string' }, release: { type: 'string' } } as const;

export const TREE_HELP = `  --root DIR        the file tree: DIR/lib/modules/RELEASE, DIR/etc/modprobe.d, ... (default: MODBOX_ROOT, or /)
  --release R       of which kernel (default: MODBOX_UNAME_R, the only one in the tree, or the machine's)
`;

export interface TreeFlags {
  readonly root?: string | undefined;
  readonly release?: string | undefined;
}

/** The module tree that the command line means. Throws UsageError where there is none. */
export function openModuleTree(flags: TreeFlags): ModuleTree {
  const root = flags.root ?? process.env.MODBOX_ROOT ?? '';
  const files = new DiskFiles(root);
  const release = flags.release ?? process.env.MODBOX_UNAME_R ?? onlyRelease(files) ?? hostRelease();
  if (!files.list(`/lib/modules/${release}`))
    throw new UsageError(`${root}/lib/modules/${release}: no such directory; see --root and --release`);
  return new ModuleTree(files, { release, cache: new DiskIndexCache() });
}

function onlyRelease(files: DiskFiles): string | undefined {
  const releases = (files.list('/lib/modules') ?? []).filter(({ kind }) => kind === 'directory');
  return releases.length === 1 ? releases[0].name : undefined;
}
