import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { DirectoryNode, type FileNode } from '../../kernel/files/index.js';
import { withScratch } from '../dev/scratch.js';
import { EJUSTRETURN, ENOENT, ENOTDIR } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CdevNode } from './devfs.js';
import { MountStructs } from './mount-structs.js';
import { RootOperations } from './root-operations.js';
import { Vnodes } from './vnodes.js';
import { VopVectors } from './vop-vectors.js';

/** What vnodes are for: a node of the machine's own tree, and the path that leads to it. */
export interface RootEntry {
  readonly node: FileNode;
  readonly path: string;
}

const TYPES: Readonly<Record<FileNode['kind'], string>> = {
  directory: 'VDIR',
  file: 'VREG',
  symlink: 'VLNK',
  character: 'VCHR',
  block: 'VBLK',
  fifo: 'VFIFO',
  socket: 'VSOCK',
};

/**
 * The machine's own tree as a file system of vnodes, for who works with vnodes alone: file systems on top of others, what is mounted on a
 * directory of it, files that a module reads. A vnode goes with its last use.
 */
export class RootVnodes implements Subsystem {
  private readonly entries = new Map<Ptr, RootEntry>();
  private readonly vnodes = new Map<FileNode, Ptr>();
  private readonly operations: RootOperations;
  private vector: Ptr = 0;
  private mp: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {
    this.operations = new RootOperations(k, this);
    const own = {
      lookup: (args: Ptr) => this.lookup(args),
      inactive: (args: Ptr) => this.inactive(args),
      reclaim: (args: Ptr) => this.reclaim(args),
    };
    this.functions = { ...own, ...this.operations.functions };
    const named = Object.entries(this.functions).map(([name, fn]) => [`rootfs_${name}`, fn] as const);
    this.exports = Object.fromEntries(named);
    this.signatures = Object.fromEntries(named.map(([name]) => [name, 'i:p']));
  }

  private readonly functions: Readonly<Record<string, (args: Ptr) => number | Sleepable<number>>>;
  readonly exports;
  readonly signatures;

  boot(): void {
    const { k } = this;
    const type = k.struct('vop_vector');
    this.vector = k.permanent(type.size);
    type.set(this.vector, 'vop_default', k.variable('default_vnodeops'));
    for (const name of Object.keys(this.functions))
      type.set(this.vector, `vop_${name}`, k.fn(`rootfs_${name}`));
    k.get(VopVectors).register(this.vector);
    this.mp = k.get(MountStructs).root((place) => this.operations.statfs(place));
  }

  entryOf(vp: Ptr): RootEntry | undefined {
    return this.entries.get(vp);
  }

  /** The vnode of a node: used, and locked as `flags` say. */
  *vnodeOf(node: FileNode, path: string, flags: number): Sleepable<Ptr> {
    const vnodes = this.k.get(Vnodes);
    const known = this.vnodes.get(node);
    if (known !== undefined && (yield* vnodes.get(known, flags)) === 0) return known;
    const vp = yield* this.make(node, path);
    yield* vnodes.lock(vp, flags);
    return vp;
  }

  private *make(node: FileNode, path: string): Sleepable<Ptr> {
    const { k } = this;
    const { vector, mp } = this;
    const vp = yield* withScratch(k, 8, function* (place): Sleepable<Ptr> {
      yield* [];
      k.get(Vnodes).exports.getnewvnode(k.constantString('rootfs'), mp, vector, place);
      return k.space.loadPtr(place);
    });
    const type = k.struct('vnode');
    type.set(vp, 'v_type', k.enumValue(TYPES[node.kind]));
    type.set(vp, 'v_state', k.enumValue('VSTATE_CONSTRUCTED'));
    if (node instanceof CdevNode) type.set(vp, 'v_rdev', node.device);
    if (path === '/') type.set(vp, 'v_vflag', k.macro('VV_ROOT'));
    yield* k.get(Vnodes).exports.insmntque(vp, mp);
    this.entries.set(vp, { node, path });
    this.vnodes.set(node, vp);
    return vp;
  }

  /** Looks up in a directory that is locked; `.` and `..` too. */
  private *lookup(args: Ptr): Sleepable<number> {
    const { k } = this;
    const [type, names] = [k.struct('vop_lookup_args'), k.struct('componentname')];
    const [dvp, place, cnp] = ['a_dvp', 'a_vpp', 'a_cnp'].map((member) => type.get(args, member));
    const directory = this.entries.get(dvp);
    k.space.storePtr(place, 0);
    if (!(directory?.node instanceof DirectoryNode)) return ENOTDIR;
    const refused = yield* k.get(VopVectors).call(dvp, 'vop_access', {
      a_vp: dvp,
      a_accmode: k.macro('VEXEC'),
      a_cred: names.get(cnp, 'cn_cred'),
      a_td: k.curthread,
    });
    if (refused !== 0) return refused;
    const name = this.operations.nameOf(cnp);
    const flags = names.get(cnp, 'cn_lkflags') || k.macro('LK_EXCLUSIVE');
    if (name === '.') {
      k.get(Vnodes).use(dvp);
      k.space.storePtr(place, dvp);
      return 0;
    }
    if (name === '..') return yield* this.parent(dvp, directory, place, flags);
    const { node } = directory;
    const found = node.find ? yield* node.find(name) : node.lookup(name);
    if (typeof found === 'number') return found;
    if (!found) return this.isCreated(cnp) ? EJUSTRETURN : ENOENT;
    k.space.storePtr(place, yield* this.vnodeOf(found, below(directory.path, name), flags));
    return 0;
  }

  private isCreated(cnp: Ptr): boolean {
    const { k } = this;
    const type = k.struct('componentname');
    const operation = type.get(cnp, 'cn_nameiop');
    const creates = operation === k.enumValue('CREATE') || operation === k.enumValue('RENAME');
    return creates && (type.get(cnp, 'cn_flags') & k.macro('ISLASTCN')) !== 0;
  }

  /** A parent's lock comes before that of what is in it. */
  private *parent(dvp: Ptr, { path }: RootEntry, place: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const above = path.slice(0, path.lastIndexOf('/')) || '/';
    const found = yield* k.files.resolve(above);
    if (typeof found === 'number') return found;
    if (!found.node) return ENOENT;
    yield* k.get(Vnodes).unlock(dvp);
    k.space.storePtr(place, yield* this.vnodeOf(found.node, above, flags));
    yield* k.get(Vnodes).lock(dvp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    return 0;
  }

  private *inactive(args: Ptr): Sleepable<number> {
    yield* this.k.get(Vnodes).gone(this.k.struct('vop_inactive_args').get(args, 'a_vp'));
    return 0;
  }

  private reclaim(args: Ptr): number {
    const vp = this.k.struct('vop_reclaim_args').get(args, 'a_vp');
    const entry = this.entries.get(vp);
    this.entries.delete(vp);
    if (entry && this.vnodes.get(entry.node) === vp) this.vnodes.delete(entry.node);
    return 0;
  }
}

/** The path of what is in a directory. */
export function below(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}
