import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';

/** What is behind an attribute: where reads come from and writes go to. */
export interface AttributeSource {
  /** Fills a page with text; the length, or a negative errno. Undefined: reading gives EIO. */
  readonly show?: (page: Ptr) => Sleepable<number>;
  /** The function of the sysfs_ops that `show` calls, if it is one. */
  readonly showFunction?: Ptr;
  /** Takes `count` bytes, NUL-terminated; what it used up, or a negative errno. Undefined: writing gives EIO. */
  readonly store?: (page: Ptr, count: number) => Sleepable<number>;
}

/** The same for a binary attribute, in pieces of up to a page. */
export interface BinarySource {
  readonly read?: (page: Ptr, offset: number, count: number) => Sleepable<number>;
  readonly write?: (page: Ptr, offset: number, count: number) => Sleepable<number>;
}

/** A directory: of a kobject, of an attribute group, or an empty mount point. */
export class SysfsDirectory {
  readonly kind = 'directory';
  readonly children = new Map<string, SysfsNode>();
  mode = 0o755;
  /** struct kernfs_node that stands for it in guest memory, 0 until one is needed. */
  kernfs: Ptr = 0;

  constructor(
    public name: string,
    public parent: SysfsDirectory | undefined,
    /** The kobject that it belongs to; a group's directory has its kobject's. */
    readonly kobj: Ptr,
  ) {}

  /** Path from the root of sysfs, with a slash before every name; '' for the root. */
  get path(): string {
    return this.parent ? `${this.parent.path}/${this.name}` : '';
  }

  /** A node below this directory, by a path of names. */
  find(path: string): SysfsNode | undefined {
    let at: SysfsNode | undefined = this;
    for (const name of path.split('/')) {
      if (name === '') continue;
      at = at?.kind === 'directory' ? at.children.get(name) : undefined;
    }
    return at;
  }
}

/** A file of text. */
export class SysfsAttribute {
  readonly kind = 'attribute';
  kernfs: Ptr = 0;
  /** Raised by sysfs_notify(): what poll() waits for. */
  events = 0;

  constructor(
    public name: string,
    public parent: SysfsDirectory,
    public mode: number,
    readonly source: AttributeSource,
    /** struct attribute, 0 for the base kernel's own. */
    readonly attr: Ptr = 0,
  ) {}
}

/** A file of bytes. */
export class SysfsBinary {
  readonly kind = 'bin';
  kernfs: Ptr = 0;

  constructor(
    public name: string,
    public parent: SysfsDirectory,
    public mode: number,
    readonly source: BinarySource,
    /** 0: not known beforehand. */
    readonly size: number,
    readonly attr: Ptr = 0,
  ) {}
}

/** A symbolic link to another directory. */
export class SysfsLink {
  readonly kind = 'link';
  readonly mode = 0o777;
  kernfs: Ptr = 0;

  constructor(
    public name: string,
    public parent: SysfsDirectory,
    readonly target: SysfsDirectory,
  ) {}

  /** What readlink(2) gives: the way up to the common directory and down again. */
  get text(): string {
    const from = this.parent.path.split('/');
    const to = this.target.path.split('/');
    let common = 0;
    while (common < from.length && common < to.length && from[common] === to[common]) common++;
    return [...from.slice(common).map(() => '..'), ...to.slice(common)].join('/');
  }
}

export type SysfsNode = SysfsDirectory | SysfsAttribute | SysfsBinary | SysfsLink;
