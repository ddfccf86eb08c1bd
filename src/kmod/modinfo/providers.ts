import type { FileSource } from '../../files/file-source.js';
import { ModuleTree } from '../module-tree.js';

/** Where a file tree's modules are: a directory that stands for '/', and a release. */
interface TreePlace {
  readonly root: string;
  readonly release: string;
}

/** Tells which module exports a symbol, by the modules.symbols of the tree that the importer belongs to. */
export class Providers {
  private readonly trees = new Map<string, ModuleTree | undefined>();

  constructor(private readonly files: FileSource) {}

  /**
   * For a module at `filename`, in whose tree is looked; of one that is in no tree, `fallback` says where. The
   * answers are a module's name, `kernel` where no module has the symbol, and null where there is no such tree.
   */
  for(filename: string, fallback: TreePlace): (symbol: string) => string | null {
    const inTree = /^(.*)\/lib\/modules\/([^/]+)\/./.exec(filename);
    const tree = this.tree(inTree ? { root: inTree[1], release: inTree[2] } : fallback);
    return (symbol) => {
      if (!tree) return null;
      const [first] = tree.resolve(`symbol:${symbol}`);
      return first?.name ?? 'kernel';
    };
  }

  private tree({ root, release }: TreePlace): ModuleTree | undefined {
    const directory = `${root}/lib/modules/${release}`;
    if (!this.trees.has(directory)) {
      const there = this.files.list(directory) !== undefined;
      this.trees.set(
        directory,
        there ? new ModuleTree(this.files, { release, root, configPaths: [] }) : undefined,
      );
    }
    return this.trees.get(directory);
  }
}
