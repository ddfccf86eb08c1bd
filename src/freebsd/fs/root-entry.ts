import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FileNode } from '../../kernel/files/index.js';

/** What vnodes are for: a node of the machine's own tree, and the path that leads to it. */
export interface RootEntry {
  readonly node: FileNode;
  readonly path: string;
}

/** Nodes of the machine's own tree, and their vnodes. */
export interface RootNodes {
  entryOf(vp: Ptr): RootEntry | undefined;
  /** The vnode of a node: used, and locked as `flags` say. */
  vnodeOf(node: FileNode, path: string, flags: number): Sleepable<Ptr>;
}

/** The path of what is in a directory. */
export function below(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}
