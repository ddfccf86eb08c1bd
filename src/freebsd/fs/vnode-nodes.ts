import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { DirectoryNode, FileNode, SymlinkNode } from '../../kernel/files/index.js';
import { withScratch } from '../dev/scratch.js';
import { ENOENT, EOPNOTSUPP } from '../errno.js';
import { UserMemory } from '../kern/user-memory.js';
import { kindOf, transfer } from './vnode-file.js';
import { type Attributes, type Failed, type Name, PATH_BYTES, type VnodeWalk } from './vnode-walk.js';
import { Vnodes } from './vnodes.js';

/** Bytes of entries that are read at once. */
const DIRECTORY_CHUNK = 4096;

/** What VOP_CREATE() and VOP_MKDIR() make. */
const VNODE_TYPES = { file: 'VREG', directory: 'VDIR', socket: 'VSOCK' } as const;
type MadeKind = keyof typeof VNODE_TYPES;

/** A file of a mounted file system, by its path there: it keeps no vnode. */
export class VnodeNode extends FileNode {
  constructor(
    readonly walk: VnodeWalk,
    readonly below: readonly string[],
    override readonly kind: FileNode['kind'],
    private readonly attributes: Attributes,
  ) {
    super(attributes.mode);
    this.uid = attributes.uid;
    this.gid = attributes.gid;
  }

  override get size(): number {
    return this.attributes.size;
  }
}

/** d_type of a whiteout (sys/dirent.h). */
const DT_WHT = 14;

/** A directory of one. What it has the file system is asked each time. */
export class VnodeDirectory extends DirectoryNode {
  constructor(
    readonly walk: VnodeWalk,
    readonly below: readonly string[],
    mode: number,
  ) {
    super(mode);
  }

  override lookup(): FileNode | undefined {
    throw new Error('a mounted file system cannot be looked into outside a task');
  }

  override names(): readonly string[] {
    throw new Error('a mounted file system cannot be listed outside a task');
  }

  override insert(): number {
    return EOPNOTSUPP;
  }

  override remove(): number {
    return EOPNOTSUPP;
  }

  /** Runs something with the directory's vnode, which is locked and used. */
  private *within<T>(body: (dvp: Ptr) => Sleepable<T>): Sleepable<T | Failed> {
    const found = yield* this.walk.locate(this.below);
    if ('errno' in found) return found;
    const result = yield* body(found.vp);
    yield* this.walk.k.get(Vnodes).put(found.vp);
    return result;
  }

  override *find(name: string): Sleepable<FileNode | number | undefined> {
    const { walk, below } = this;
    const found = yield* walk.locate([...below, name]);
    if ('errno' in found) return found.errno === ENOENT ? undefined : found.errno;
    const attributes = yield* walk.attributes(found.vp);
    const target = 'errno' in attributes ? '' : yield* this.targetOf(found.vp, attributes);
    yield* walk.k.get(Vnodes).put(found.vp);
    if ('errno' in attributes) return attributes.errno;
    const kind = kindOf(walk, attributes.type);
    if (kind === 'directory') return this.child(name, attributes.mode);
    return kind === 'symlink'
      ? new SymlinkNode(target)
      : new VnodeNode(walk, [...below, name], kind, attributes);
  }

  /** One directory has one node, so that others can be mounted on it. */
  private readonly children = new Map<string, VnodeDirectory>();

  private child(name: string, mode: number): VnodeDirectory {
    const known = this.children.get(name) ?? new VnodeDirectory(this.walk, [...this.below, name], mode);
    known.mode = mode;
    this.children.set(name, known);
    return known;
  }

  private *targetOf(vp: Ptr, { type }: Attributes): Sleepable<string> {
    const { walk } = this;
    const { k } = walk;
    if (type !== k.enumValue('VLNK')) return '';
    const user = k.get(UserMemory);
    const buffer = user.allocate(PATH_BYTES);
    try {
      const { moved } = yield* transfer(
        walk,
        { buffer, count: PATH_BYTES, offset: 0n, writes: false },
        (uio) => walk.call(vp, 'vop_readlink', { a_vp: vp, a_uio: uio, a_cred: walk.cred }),
      );
      return new TextDecoder().decode(k.space.bytes.slice(buffer, buffer + moved));
    } finally {
      user.free(buffer);
    }
  }

  override *make(name: string, kind: MadeKind, mode: number): Sleepable<FileNode | number> {
    const made = yield* this.within((dvp) => this.create(dvp, name, kind, mode));
    if (made.errno !== 0) return made.errno;
    const node = yield* this.find(name);
    return node ?? ENOENT;
  }

  private *create(dvp: Ptr, name: string, kind: MadeKind, mode: number): Sleepable<Failed> {
    const { walk } = this;
    const { k } = walk;
    const type = k.struct('vattr');
    return yield* walk.named(dvp, name, 'CREATE', ({ cnp, place }: Name) =>
      withScratch(k, type.size, function* (vap): Sleepable<Failed> {
        walk.noValues(vap);
        type.set(vap, 'va_type', k.enumValue(VNODE_TYPES[kind]));
        type.set(vap, 'va_mode', mode);
        const operation = kind === 'directory' ? 'vop_mkdir' : 'vop_create';
        const errno = yield* walk.call(dvp, operation, { a_dvp: dvp, a_vpp: place, a_cnp: cnp, a_vap: vap });
        if (errno === 0) yield* k.get(Vnodes).put(k.space.loadPtr(place));
        return { errno };
      }),
    );
  }

  /** VOP_REMOVE() or VOP_RMDIR(). */
  override *drop(name: string): Sleepable<number> {
    const { walk } = this;
    const { k } = walk;
    const done = yield* this.within((dvp) =>
      walk.named(dvp, name, 'DELETE', function* ({ cnp, place }): Sleepable<Failed> {
        const vp = k.space.loadPtr(place);
        const isDirectory = k.struct('vnode').get(vp, 'v_type') === k.enumValue('VDIR');
        const operation = isDirectory ? 'vop_rmdir' : 'vop_remove';
        const errno = yield* walk.call(dvp, operation, { a_dvp: dvp, a_vp: vp, a_cnp: cnp });
        yield* k.get(Vnodes).put(vp);
        return { errno };
      }),
    );
    return done.errno;
  }

  override *list(): Sleepable<readonly string[] | number> {
    const names = yield* this.within((dvp) => this.opened(dvp));
    return 'errno' in names ? names.errno : names;
  }

  /** A directory is opened to be read, and closed again. */
  private *opened(dvp: Ptr): Sleepable<readonly string[] | Failed> {
    const { walk } = this;
    const { k } = walk;
    const [mode, common] = [k.macro('FREAD'), { a_vp: dvp, a_cred: walk.cred, a_td: k.curthread }];
    const errno = yield* walk.call(dvp, 'vop_open', { ...common, a_mode: mode, a_fp: 0 });
    if (errno !== 0) return { errno };
    const names = yield* this.entries(dvp);
    const closed = yield* walk.call(dvp, 'vop_close', { ...common, a_fflag: mode });
    return closed === 0 || 'errno' in names ? names : { errno: closed };
  }

  /** VOP_READDIR() until there is no more. */
  private *entries(dvp: Ptr): Sleepable<readonly string[] | Failed> {
    const { walk } = this;
    const { k } = walk;
    const user = k.get(UserMemory);
    const buffer = user.allocate(DIRECTORY_CHUNK);
    const kinds = new Map<string, number>();
    try {
      for (let offset = 0n; ; ) {
        const how = { buffer, count: DIRECTORY_CHUNK, offset, writes: false };
        const read = yield* transfer(walk, how, (uio) =>
          walk.call(dvp, 'vop_readdir', { a_vp: dvp, a_uio: uio, a_cred: walk.cred }),
        );
        if (read.errno !== 0) return read;
        if (read.moved === 0) return visible(kinds);
        for (const [name, kind] of this.namesIn(buffer, read.moved))
          if (!kinds.has(name)) kinds.set(name, kind);
        offset = read.offset;
      }
    } finally {
      user.free(buffer);
    }
  }

  private *namesIn(buffer: Ptr, bytes: number): Generator<readonly [name: string, kind: number]> {
    const { k } = this.walk;
    const type = k.struct('dirent');
    for (let at = buffer; at < buffer + bytes; at += type.get(at, 'd_reclen')) {
      const length = type.get(at, 'd_namlen');
      const start = type.addr(at, 'd_name');
      const name = new TextDecoder().decode(k.space.bytes.slice(start, start + length));
      if (type.get(at, 'd_fileno') !== 0 && name !== '.' && name !== '..')
        yield [name, type.get(at, 'd_type')];
      if (type.get(at, 'd_reclen') === 0) break;
    }
  }
}

/** As opendir(3) has them: of a name in several layers the uppermost entry counts, and a whiteout hides it. */
function visible(kinds: ReadonlyMap<string, number>): readonly string[] {
  return [...kinds].filter(([, kind]) => kind !== DT_WHT).map(([name]) => name);
}
