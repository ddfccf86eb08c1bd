import { MAX_LINKS, NAME_MAX, PATH_MAX } from '../../files/limits.js';
import type { Sleepable } from '../effects.js';
import type { Failure, FileErrors } from './failure.js';
import { type HostTree, OverlayDirectory } from './host-tree.js';
import { MemoryDirectory, MemoryFile } from './memory.js';
import { DataNode, DirectoryNode, type FileNode, SymlinkNode } from './node.js';

/** A file system attached to a directory. */
export interface Mount {
  readonly type: string;
  readonly source: string;
  /** Where it was mounted, as an absolute path. */
  readonly target: string;
  readonly root: DirectoryNode;
  options: string;
}

/** Where a path leads: an entry of a directory, which may not exist yet. */
export interface Location {
  /** Absolute, without `.`, `..` or links in it. */
  readonly path: string;
  readonly parent: DirectoryNode;
  /** Name in `parent`; '' for the root. */
  readonly name: string;
  readonly node: FileNode | undefined;
}

export interface ResolveOptions {
  /** Follow a symbolic link in the last component; default true. */
  readonly follow?: boolean;
  /** Directory that relative paths start from; default `/`. */
  readonly from?: string;
}

interface Step {
  readonly name: string;
  readonly node: DirectoryNode;
}

/**
 * The file tree of a machine: an overlay over a host tree (or an empty root in memory), with file systems
 * mounted on its directories. Path resolution follows path_resolution(7).
 */
export class FileTree {
  readonly root: DirectoryNode;
  /** In the order of mounting. */
  private readonly mountList: Mount[] = [];
  private readonly covered = new Map<DirectoryNode, Mount>();

  /** `errors`: what the system answers for what the tree cannot do. */
  constructor(
    private readonly errors: FileErrors,
    host?: HostTree,
  ) {
    this.root = host ? new OverlayDirectory(host, '') : new MemoryDirectory();
  }

  /** The system's number for a failure; 0 for none. */
  numberOf(failure: Failure): number {
    return typeof failure === 'number' ? failure : this.errors[failure];
  }

  /** Makes a node the entry at a place that has none: 0, or an error number of the system. */
  insert({ parent, name }: Location, node: FileNode): number {
    return this.numberOf(parent.insert(name, node));
  }

  get mounts(): readonly Mount[] {
    return this.mountList;
  }

  /** Attaches a file system; mounting again on the same place covers what was there. */
  mount(mount: Mount, onto: DirectoryNode): void {
    this.mountList.push(mount);
    this.covered.set(onto, mount);
  }

  /** Detaches the file system mounted last at `target`: it, or an error number of the system. */
  unmount(target: string): Mount | number {
    const index = this.mountList.map((mount) => mount.target).lastIndexOf(target);
    if (index < 0) return this.errors.EINVAL;
    const mount = this.mountList[index];
    if (this.mountList.some((other) => other !== mount && other.target.startsWith(`${target}/`)))
      return this.errors.EBUSY;
    this.mountList.splice(index, 1);
    for (const [directory, covering] of this.covered) if (covering === mount) this.covered.delete(directory);
    return mount;
  }

  /** The file system that a path belongs to; undefined on the root file system. */
  mountOf(path: string): Mount | undefined {
    let best: Mount | undefined;
    for (const mount of this.mountList)
      if (path === mount.target || path.startsWith(mount.target === '/' ? '/' : `${mount.target}/`))
        if (!best || mount.target.length >= best.target.length) best = mount;
    return best;
  }

  /** Resolves a path in a task: look-ups may sleep. An error number of the system if a directory is missing. */
  *resolve(path: string, options: ResolveOptions = {}): Sleepable<Location | number> {
    if (path === '') return this.errors.ENOENT;
    if (path.length >= PATH_MAX) return this.errors.ENAMETOOLONG;
    const absolute = path.startsWith('/') ? path : `${options.from ?? '/'}/${path}`;
    const found = yield* this.walk(absolute, options.follow ?? true);
    return typeof found === 'string' ? this.errors[found] : found;
  }

  /** Resolves a path now. Throws if that takes a file system whose look-up sleeps. */
  locate(path: string, options: ResolveOptions = {}): Location | number {
    const step = this.resolve(path, options).next();
    if (!step.done) throw new Error(`${path} cannot be looked up outside a task`);
    return step.value;
  }

  /** The node at a path, links followed; undefined if there is none. */
  node(path: string): FileNode | undefined {
    const location = this.locate(path);
    return typeof location === 'number' ? undefined : location.node;
  }

  /** Content of a regular file held by the tree; undefined where there is no such file. */
  readFile(path: string): Uint8Array | undefined {
    const node = this.node(path);
    return node instanceof DataNode ? node.content() : undefined;
  }

  /** Creates or replaces a regular file: 0, or an error number of the system. */
  writeFile(path: string, bytes: Uint8Array, mode = 0o644): number {
    const location = this.locate(path);
    if (typeof location === 'number') return location;
    const { node } = location;
    if (node instanceof DirectoryNode) return this.errors.EISDIR;
    if (!node) return this.insert(location, new MemoryFile(mode, bytes.slice()));
    if (!(node instanceof DataNode)) return this.errors.EEXIST;
    return this.numberOf(node.truncate(0) || node.write(0, bytes));
  }

  /** The directory at a path, with every missing one on the way made. */
  makeDirectories(path: string, mode = 0o755): DirectoryNode {
    let at = '';
    for (const name of path.split('/').filter((part) => part !== '')) {
      at += `/${name}`;
      const location = this.locate(at);
      if (typeof location === 'number') throw new Error(`${at} cannot be made`);
      if (!location.node) location.parent.insert(location.name, new MemoryDirectory(mode));
    }
    const node = this.node(at || '/');
    if (!(node instanceof DirectoryNode)) throw new Error(`${path} is not a directory`);
    return node;
  }

  private *walk(path: string, follow: boolean): Sleepable<Location | Failure> {
    let stack: Step[] = [{ name: '', node: this.uncovered(this.root) }];
    const pending = components(path);
    let links = 0;
    let mustBeDirectory = path.endsWith('/');
    while (pending.length > 0) {
      const name = pending.shift()!;
      if (name.length > NAME_MAX) return 'ENAMETOOLONG';
      if (name === '..') {
        if (stack.length > 1) stack.pop();
        continue;
      }
      const parent = stack[stack.length - 1].node;
      const found = parent.find ? yield* parent.find(name) : parent.lookup(name);
      if (typeof found === 'number') return found;
      const last = pending.length === 0;
      if (found instanceof SymlinkNode && (!last || follow || mustBeDirectory)) {
        if (++links > MAX_LINKS) return 'ELOOP';
        const { target } = found;
        if (target.startsWith('/')) stack = [{ name: '', node: this.uncovered(this.root) }];
        if (last && target.endsWith('/')) mustBeDirectory = true;
        pending.unshift(...components(target));
        continue;
      }
      if (found instanceof DirectoryNode) {
        stack.push({ name, node: this.uncovered(found) });
        continue;
      }
      if (last && !(found && mustBeDirectory))
        return { path: pathOf(stack, name), parent, name, node: found };
      return found ? 'ENOTDIR' : 'ENOENT';
    }
    const top = stack[stack.length - 1];
    const parent = stack[stack.length - 2]?.node ?? top.node;
    return { path: pathOf(stack), parent, name: top.name, node: top.node };
  }

  private uncovered(directory: DirectoryNode): DirectoryNode {
    let at = directory;
    for (let mount = this.covered.get(at); mount && mount.root !== at; mount = this.covered.get(at))
      at = mount.root;
    return at;
  }
}

function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function pathOf(stack: readonly Step[], last?: string): string {
  const names = stack.slice(1).map((step) => step.name);
  if (last !== undefined) names.push(last);
  return `/${names.join('/')}`;
}
