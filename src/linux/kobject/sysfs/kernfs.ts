import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { krefGet, krefInit, krefPut } from '../kref.js';
import { duplicate } from '../names.js';
import { SysfsDirectory, type SysfsNode } from './node.js';
import { Sysfs } from './sysfs.js';

/** kernfs_node.flags (enum kernfs_node_type of include/linux/kernfs.h). */
const TYPES = { directory: 1, attribute: 2, bin: 2, link: 4 } as const;
const S_IFMT = { directory: 0o040000, attribute: 0o100000, bin: 0o100000, link: 0o120000 } as const;

/** struct kernfs_node: how modules hold on to what is in sysfs (fs/kernfs). */
export class Kernfs implements Subsystem {
  /** Numbers of nodes, as the kernel gives them out in the order in which they are made. */
  private nextId = 1n;
  private readonly nodes = new Map<Ptr, SysfsNode>();

  constructor(private readonly k: LinuxKernel) {
    k.get(Sysfs).onForget = (node) => this.forget(node);
  }

  readonly exports = {
    kernfs_get: (kn: Ptr) => this.hold(kn),
    kernfs_put: (kn: Ptr) => this.put(kn),
    kernfs_notify: (kn: Ptr) => this.k.get(Sysfs).notify(this.nodes.get(kn)),
    kernfs_find_and_get_ns: (parent: Ptr, name: Ptr) => this.find(parent, this.k.space.cstring(name)),
    sysfs_notify: (kobj: Ptr, directory: Ptr, attribute: Ptr) => this.notify(kobj, directory, attribute),
  };

  /** The struct kernfs_node of a node, made when it is first asked for; the tree holds one reference. */
  nodeOf(node: SysfsNode): Ptr {
    if (node.kernfs !== 0) return node.kernfs;
    const { k } = this;
    const type = k.struct('kernfs_node');
    const kn = k.slab.allocateBytes(type.size, true);
    krefInit(k, type.addr(kn, 'count'));
    type.set(kn, 'name', duplicate(k, node.name));
    type.setBig(kn, 'id', this.nextId++);
    type.set(kn, 'flags', TYPES[node.kind]);
    type.set(kn, 'mode', S_IFMT[node.kind] | node.mode);
    if (node.kind === 'directory') type.set(kn, 'priv', node.kobj);
    else if (node.kind !== 'link') type.set(kn, 'priv', node.attr);
    const parent = type.has('parent') ? 'parent' : '__parent';
    if (node.parent?.kernfs) type.set(kn, parent, node.parent.kernfs);
    node.kernfs = kn;
    this.nodes.set(kn, node);
    return kn;
  }

  private find(parent: Ptr, name: string): Ptr {
    const directory = parent === 0 ? this.k.get(Sysfs).root : this.nodes.get(parent);
    if (!(directory instanceof SysfsDirectory)) return 0;
    const node = directory.children.get(name);
    if (!node) return 0;
    const kn = this.nodeOf(node);
    krefGet(this.k, this.count(kn));
    return kn;
  }

  /** kernfs_get() */
  hold(kn: Ptr): void {
    if (kn !== 0) krefGet(this.k, this.count(kn));
  }

  /** kernfs_put() */
  put(kn: Ptr): void {
    if (kn === 0 || !krefPut(this.k, this.count(kn))) return;
    this.nodes.delete(kn);
    this.k.slab.free(this.k.struct('kernfs_node').get(kn, 'name'));
    this.k.slab.free(kn);
  }

  private notify(kobj: Ptr, directory: Ptr, attribute: Ptr): void {
    const { space } = this.k;
    let at: SysfsNode | undefined = this.k.get(Sysfs).directoryOf(kobj);
    for (const name of [directory, attribute])
      if (name !== 0 && at?.kind === 'directory') at = at.children.get(space.cstring(name));
    this.k.get(Sysfs).notify(at);
  }

  private forget(node: SysfsNode): void {
    if (node.kernfs !== 0) this.put(node.kernfs);
    node.kernfs = 0;
  }

  private count(kn: Ptr): Ptr {
    return this.k.struct('kernfs_node').addr(kn, 'count');
  }
}
