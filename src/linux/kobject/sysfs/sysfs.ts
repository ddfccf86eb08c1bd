import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { RECORD_OF_HOST_BYTES } from '../../../kernel/mm/budget.js';
import { EEXIST, EIO, EISDIR, ENOENT, ENOMEM } from '../../errno.js';
import { type Holding, KOBJECT } from '../../holding.js';
import { symbolize } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import {
  type AttributeSource,
  SysfsAttribute,
  type SysfsBinary,
  SysfsDirectory,
  SysfsLink,
  type SysfsNode,
} from './node.js';

/** The tree of /sys, and how its files are read and written: what the file system layer mounts. */
export class Sysfs implements Subsystem {
  readonly exports = {};

  /** Kobjects and files; /sys/module/NAME goes with the module. */
  *holds(): Generator<Holding> {
    for (const child of this.root.children.values())
      if (child.kind === 'directory' && child.name !== 'module') yield* this.heldIn(child);
  }

  private *heldIn(directory: SysfsDirectory): Generator<Holding> {
    const { kobj: within } = directory;
    if (directory.parent?.kobj !== within)
      yield { kind: KOBJECT, at: within, name: () => `/sys${directory.path}` };
    for (const child of directory.children.values()) {
      if (child.kind === 'directory') yield* this.heldIn(child);
      else if (child.kind !== 'link' && child.attr !== 0)
        yield {
          kind: 'sysfs file',
          at: child.attr,
          within,
          name: () => `/sys${directory.path}/${child.name}`,
        };
    }
  }
  readonly root = new SysfsDirectory('', undefined, 0);
  private readonly directories = new Map<Ptr, SysfsDirectory>();

  constructor(private readonly k: LinuxKernel) {}

  /** The directory of a kobject while it is in sysfs. */
  directoryOf(kobj: Ptr): SysfsDirectory | undefined {
    return kobj === 0 ? this.root : this.directories.get(kobj);
  }

  /** sysfs_create_dir_ns(): 0, -ENOENT without a parent, -EEXIST with the kernel's complaint. */
  createDirectory(kobj: Ptr, parentKobj: Ptr, name: string): number {
    const parent = this.directoryOf(parentKobj);
    if (!parent) return -ENOENT;
    const directory = new SysfsDirectory(name, parent, kobj);
    const error = this.add(directory, parent);
    if (error === 0) this.directories.set(kobj, directory);
    return error;
  }

  /** sysfs_remove_dir(): with all that is left in it. */
  removeDirectory(kobj: Ptr): void {
    const directory = this.directories.get(kobj);
    if (directory) this.remove(directory);
  }

  renameDirectory(kobj: Ptr, name: string): number {
    const directory = this.directories.get(kobj);
    if (!directory?.parent) return -ENOENT;
    return this.move(directory, directory.parent, name);
  }

  moveDirectory(kobj: Ptr, newParent: Ptr): number {
    const directory = this.directories.get(kobj);
    const parent = this.directoryOf(newParent);
    if (!directory || !parent) return -ENOENT;
    return this.move(directory, parent, directory.name);
  }

  /** Puts a node in its parent. -EEXIST, and a warning with a stack, when the name is taken. */
  add(node: SysfsNode, parent: SysfsDirectory, quiet = false): number {
    if (parent.children.has(node.name)) {
      if (!quiet) {
        const text = `sysfs: cannot create duplicate filename '${parent.path}/${node.name}'`;
        this.k.log.line(text, LOGLEVEL_WARNING);
        this.k.traps.dumpStack(text);
      }
      return -EEXIST;
    }
    if (!this.k.budget.take(RECORD_OF_HOST_BYTES)) return -ENOMEM;
    parent.children.set(node.name, node);
    return 0;
  }

  /** Takes a node out of the tree, with what is below it. */
  remove(node: SysfsNode): void {
    const { parent } = node;
    if (parent?.children.get(node.name) === node) {
      parent.children.delete(node.name);
      this.k.budget.give(RECORD_OF_HOST_BYTES);
    }
    this.forget(node);
  }

  /** A file of the base kernel's own. `text` is what it shows; `store` takes what is written. */
  addText(
    directory: SysfsDirectory,
    name: string,
    mode: number,
    text?: () => string | number | Sleepable<string | number>,
    store?: (text: string) => number | Sleepable<number>,
  ): SysfsAttribute {
    const { k } = this;
    const source: AttributeSource = {
      show:
        text &&
        function* (page) {
          const shown = yield* k.wait(text());
          if (typeof shown === 'number') return shown;
          k.space.storeCstring(page, shown.slice(0, PAGE_SIZE - 1));
          return Math.min(shown.length, PAGE_SIZE - 1);
        },
      store:
        store &&
        function* (page, count) {
          const result = yield* k.wait(store(k.space.cstring(page, count)));
          return result < 0 ? result : count;
        },
    };
    const attribute = new SysfsAttribute(name, directory, mode, source);
    this.add(attribute, directory);
    return attribute;
  }

  addLink(from: SysfsDirectory, target: SysfsDirectory, name: string, quiet = false): number {
    return this.add(new SysfsLink(name, from, target), from, quiet);
  }

  /** The whole content of a file, or a negative errno. */
  *read(node: SysfsNode): Sleepable<Uint8Array | number> {
    if (node.kind === 'attribute') return yield* this.readAttribute(node);
    if (node.kind === 'bin') return yield* this.readBinary(node, 0, node.size || PAGE_SIZE);
    return -EISDIR;
  }

  /** Writes bytes as one write(2) does; how many were used, or a negative errno. */
  *write(node: SysfsNode, bytes: Uint8Array, offset = 0): Sleepable<number> {
    if (node.kind === 'attribute') return yield* this.writeAttribute(node, bytes);
    if (node.kind === 'bin') return yield* this.writeBinary(node, bytes, offset);
    return -EISDIR;
  }

  /** A part of a binary file, a page at a time as kernfs asks for it. */
  *readBinary(node: SysfsBinary, offset: number, count: number): Sleepable<Uint8Array | number> {
    const { read } = node.source;
    if (!read) return -EIO;
    const { k } = this;
    const page = k.pages.allocate(0);
    const parts: number[] = [];
    try {
      let at = offset;
      const end = node.size ? Math.min(offset + count, node.size) : offset + count;
      while (at < end) {
        const got = yield* read(page, at, Math.min(PAGE_SIZE, end - at));
        if (got < 0 && parts.length === 0) return got;
        if (got <= 0) break;
        parts.push(...k.space.readable(page, got));
        at += got;
      }
    } finally {
      k.pages.free(page);
    }
    return Uint8Array.from(parts);
  }

  notify(node: SysfsNode | undefined): void {
    if (node?.kind === 'attribute') node.events++;
  }

  private move(directory: SysfsDirectory, parent: SysfsDirectory, name: string): number {
    if (directory.parent === parent && directory.name === name) return 0;
    if (parent.children.has(name)) return -EEXIST;
    directory.parent?.children.delete(directory.name);
    directory.name = name;
    directory.parent = parent;
    parent.children.set(name, directory);
    return 0;
  }

  private forget(node: SysfsNode): void {
    if (node.kind === 'directory') {
      for (const child of [...node.children.values()]) this.forget(child);
      this.k.budget.give(node.children.size * RECORD_OF_HOST_BYTES);
      node.children.clear();
      if (this.directories.get(node.kobj) === node) this.directories.delete(node.kobj);
    }
    this.onForget(node);
  }

  /** What holds a guest object for a node lets go of it here. */
  onForget: (node: SysfsNode) => void = () => {};

  private *readAttribute(node: SysfsAttribute): Sleepable<Uint8Array | number> {
    const { show } = node.source;
    if (!show) return -EIO;
    const { k } = this;
    const page = k.pages.allocate(0);
    try {
      let count = yield* show(page);
      if (count < 0) return count;
      if (count >= PAGE_SIZE) {
        k.log.line(`fill_read_buffer: ${this.showName(node)} returned bad count`, LOGLEVEL_ERR);
        count = PAGE_SIZE - 1;
      }
      return k.space.readable(page, count).slice();
    } finally {
      k.pages.free(page);
    }
  }

  private *writeAttribute(node: SysfsAttribute, bytes: Uint8Array): Sleepable<number> {
    const { store } = node.source;
    if (!store) return -EIO;
    const { k } = this;
    const count = Math.min(bytes.length, PAGE_SIZE - 1);
    if (count === 0) return 0;
    const page = k.pages.allocate(0);
    try {
      k.space.writable(page, count).set(bytes.subarray(0, count));
      return yield* store(page, count);
    } finally {
      k.pages.free(page);
    }
  }

  private *writeBinary(node: SysfsBinary, bytes: Uint8Array, offset: number): Sleepable<number> {
    const { write } = node.source;
    if (!write) return -EIO;
    const { k } = this;
    const limit = node.size ? Math.max(0, node.size - offset) : bytes.length;
    const count = Math.min(bytes.length, PAGE_SIZE, limit);
    if (count === 0) return 0;
    const page = k.pages.allocate(0);
    try {
      k.space.writable(page, count).set(bytes.subarray(0, count));
      return yield* write(page, offset, count);
    } finally {
      k.pages.free(page);
    }
  }

  private showName(node: SysfsAttribute): string {
    const { k } = this;
    const { showFunction = 0 } = node.source;
    return showFunction === 0 ? node.name : symbolize(k, showFunction);
  }
}
