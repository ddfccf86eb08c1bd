import { type FileSource, infoOf } from '../../files/file-source.js';
import type { IndexCache } from '../depmod/index-tree.js';
import type { KmodElf } from '../kmod-elf.js';
import { ModuleTree, type Resolved } from '../module-tree.js';
import { checkedName, isModuleFile, moduleName, moduleNameOf } from '../names.js';
import { openModule } from '../open-module.js';

/** A module that modinfo is to tell of. */
export interface Subject {
  /** The kernel's name of it. */
  readonly name: string;
  /** Absolute; undefined where the module is built in. */
  readonly filename: string | undefined;
  /** Opens its file; undefined where what is known of it is in modules.builtin.modinfo. */
  readonly open: (() => KmodElf) | undefined;
}

/** What an operand did not lead to, in kmod's words. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}

interface SubjectPlace {
  readonly files: FileSource;
  absolute(path: string): string;
  readonly release: string;
  /** What stands for '/' where the tree is. */
  readonly root: string;
  /** The same modules, where they are open already. */
  readonly like?: ModuleTree | undefined;
  /** Keeps the index of a tree that depmod never saw. */
  readonly cache?: IndexCache | undefined;
}

/** Finds the modules that operands stand for; the file tree is looked at only where one is no file. */
export class Subjects {
  private opened: ModuleTree | undefined;

  constructor(private readonly place: SubjectPlace) {}

  /** The tree that names are looked up in. modinfo reads no modprobe.d. */
  get tree(): ModuleTree {
    const { files, release, root, like, cache } = this.place;
    this.opened ??= new ModuleTree(files, {
      release,
      root,
      configPaths: [],
      ...(like && { like }),
      ...(cache && { cache }),
    });
    return this.opened;
  }

  /** Throws {@link NotFound}. */
  of(operand: string, onlyNames: boolean): readonly Subject[] {
    if (onlyNames) return [this.named(operand)];
    if (isModuleFile(operand) && isFile(this.place.files, operand)) return [this.file(operand)];
    if (checkedName(operand) === undefined) throw new NotFound(`Module alias ${operand} not found.`);
    const found = this.tree.resolve(operand);
    if (found.length === 0) throw new NotFound(`Module ${operand} not found.`);
    return found.map((resolved) => this.resolved(resolved));
  }

  private file(path: string): Subject {
    const { files } = this.place;
    return {
      name: moduleNameOf(path),
      filename: this.place.absolute(path),
      open: () => openModule(files, path),
    };
  }

  private named(operand: string): Subject {
    const name = moduleName(operand);
    const { tree } = this;
    const exact = tree.named(name);
    if (exact.module || exact.builtin) return this.resolved(exact);
    const [byAlias] = tree.builtin.withAlias(name);
    if (byAlias === undefined) throw new NotFound(`Module name ${operand} not found.`);
    return this.resolved(tree.named(byAlias));
  }

  private resolved({ name, module, builtin }: Resolved): Subject {
    const { files, root } = this.place;
    if (!module) return { name, filename: undefined, open: undefined };
    const path = module.path.startsWith('/') ? module.path : `${root}${this.tree.pathOf(module)}`;
    const filename = this.place.absolute(path);
    // A module that an index has in both places is told of as the one that is built in.
    return { name, filename, open: builtin ? undefined : () => openModule(files, path, filename) };
  }
}

/** Whether stat(2) finds a regular file. */
function isFile(files: FileSource, path: string): boolean {
  const info = infoOf(files, path);
  if (info?.kind !== 'symlink') return info?.kind === 'file';
  return files.read(path) !== undefined;
}
