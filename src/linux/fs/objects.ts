import type { Ptr } from '../../cpu/layout.js';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '../../files/mode.js';
import type { StructType } from '../../kernel/abi/struct.js';
import { DataNode, DeviceNode, DirectoryNode, type FileNode } from '../../kernel/files/index.js';
import { MKDEV } from '../abi/device-number.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { MAX_LFS_FILESIZE } from './flags.js';
import { MountObjects } from './mount-objects.js';
import { nameHash } from './name-hash.js';
import { InodeInit } from './new-inode.js';
import { SuperBlockObjects } from './super-block.js';

const TYPE_BITS: Readonly<Record<FileNode['kind'], number>> = {
  directory: S_IFDIR,
  file: S_IFREG,
  symlink: S_IFLNK,
  character: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
};

/** st_mode of a node. */
export function modeOf(node: FileNode): number {
  return TYPE_BITS[node.kind] | (node.mode & 0o7777);
}

/** The guest's view of a node: what struct file points to. */
export interface NodeObjects {
  readonly inode: Ptr;
  readonly dentry: Ptr;
  /** struct super_block and struct vfsmount of the file system it is on. */
  readonly superBlock: Ptr;
  readonly mount: Ptr;
}

interface Held {
  readonly objects: NodeObjects;
  count: number;
}

const LIST_HEADS_OF_DENTRY = ['d_lru', 'd_child', 'd_subdirs'];

/**
 * Guest structs of the VFS: inodes and dentries of nodes that modules get to see, made when a node is first
 * opened and released with its last user; a super_block and a vfsmount for each kind of file system.
 */
export class VfsObjects implements Subsystem {
  private readonly held = new Map<FileNode, Held>();
  private readonly nodesByInode = new Map<Ptr, FileNode>();
  private readonly superBlocks = new Map<string, { readonly superBlock: Ptr; readonly mount: Ptr }>();
  private readonly numbers = new WeakMap<FileNode, number>();
  private nextNumber = 2;

  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  /** Inode number of a node: given when first asked for. */
  number(node: FileNode): number {
    let number = this.numbers.get(node);
    if (number === undefined) {
      number = this.nextNumber++;
      this.numbers.set(node, number);
    }
    return number;
  }

  /** The node's guest objects, with a reference for the caller. */
  take(node: FileNode, name: string, fileSystem: string): NodeObjects {
    const known = this.held.get(node);
    if (known) {
      known.count++;
      return known.objects;
    }
    const given = givenObjects(node);
    if (given) {
      const type = this.k.struct('dentry');
      type.set(given.dentry, 'd_lockref.count', type.get(given.dentry, 'd_lockref.count') + 1);
      return given;
    }
    const { superBlock, mount } = this.fileSystem(fileSystem);
    const inode = this.makeInode(node, superBlock);
    const dentry = this.makeDentry(name, inode, 0, superBlock);
    const objects = { inode, dentry, superBlock, mount };
    this.adopt(node, objects);
    return objects;
  }

  /** Makes objects that somebody else allocated those of a node; the node then holds one reference. */
  adopt(node: FileNode, objects: NodeObjects): void {
    this.held.set(node, { objects, count: 1 });
    this.nodesByInode.set(objects.inode, node);
  }

  /**
   * Drops a reference; with the last one the objects go. Of nodes that brought their own objects, the dentry
   * that the caller is to put; else 0.
   */
  release(node: FileNode): Ptr {
    const held = this.held.get(node);
    if (!held) return givenObjects(node)?.dentry ?? 0;
    if (--held.count > 0) return 0;
    this.held.delete(node);
    this.nodesByInode.delete(held.objects.inode);
    this.freeDentry(held.objects.dentry);
    this.freeInode(held.objects.inode);
    return 0;
  }

  /** The guest objects of a node that is in use. */
  of(node: FileNode): NodeObjects | undefined {
    return this.held.get(node)?.objects;
  }

  nodeOf(inode: Ptr): FileNode | undefined {
    return this.nodesByInode.get(inode);
  }

  /** super_block and vfsmount of a file system that the base kernel itself implements. */
  fileSystem(type: string): { readonly superBlock: Ptr; readonly mount: Ptr } {
    let known = this.superBlocks.get(type);
    if (!known) {
      known = this.makeFileSystem(type);
      this.superBlocks.set(type, known);
    }
    return known;
  }

  makeInode(node: FileNode, superBlock: Ptr): Ptr {
    const type = this.k.struct('inode');
    const inode = this.k.slab.allocateBytes(type.size, true);
    this.k.get(InodeInit).once(inode);
    this.k.get(InodeInit).always(inode, superBlock);
    type.set(inode, 'i_mode', modeOf(node));
    type.set(inode, 'i_uid.val', node.uid);
    type.set(inode, 'i_gid.val', node.gid);
    type.set(inode, 'i_ino', this.number(node));
    if (node instanceof DeviceNode) type.set(inode, 'i_rdev', MKDEV(node.major, node.minor));
    if (node instanceof DataNode) type.set(inode, 'i_size', node.size);
    if (node instanceof DirectoryNode) type.set(inode, '__i_nlink', 2);
    return inode;
  }

  freeInode(inode: Ptr): void {
    list.delInit(this.k.space, this.k.struct('inode').addr(inode, 'i_devices'));
    this.k.slab.free(inode);
  }

  makeDentry(name: string, inode: Ptr, parent: Ptr, superBlock: Ptr): Ptr {
    const type = this.k.struct('dentry');
    const dentry = this.k.slab.allocateBytes(type.size, true);
    for (const list of LIST_HEADS_OF_DENTRY) if (type.has(list)) this.list(type, dentry, list);
    this.nameDentry(dentry, name, parent);
    type.set(dentry, 'd_inode', inode);
    type.set(dentry, 'd_parent', parent || dentry);
    type.set(dentry, 'd_sb', superBlock);
    type.set(dentry, 'd_lockref.count', 1);
    return dentry;
  }

  /** Gives a dentry its name: inside it if it is short, else in memory of its own. */
  nameDentry(dentry: Ptr, name: string, parent: Ptr): void {
    const type = this.k.struct('dentry');
    const inline = type.addr(dentry, 'd_iname');
    const room = type.member('d_iname').size;
    const at = name.length < room ? inline : this.k.slab.allocateBytes(name.length + 1, true);
    this.k.space.storeCstring(at, name);
    const before = type.get(dentry, 'd_name.name');
    if (before !== 0 && before !== inline) this.k.slab.free(before);
    type.set(dentry, 'd_name.name', at);
    type.set(dentry, 'd_name.len', name.length);
    const { space } = this.k;
    const salt = parent === 0 ? 0n : space.toAddress(parent);
    type.set(dentry, 'd_name.hash', nameHash(salt, space.readable(at, name.length)));
  }

  freeDentry(dentry: Ptr): void {
    const type = this.k.struct('dentry');
    const name = type.get(dentry, 'd_name.name');
    if (name !== type.addr(dentry, 'd_iname') && name !== 0) this.k.slab.free(name);
    this.k.slab.free(dentry);
  }

  private makeFileSystem(name: string): { superBlock: Ptr; mount: Ptr } {
    const { k } = this;
    const superBlock = k.permanent(k.sizeOf('super_block'));
    const kind = k.permanent(k.sizeOf('file_system_type'));
    k.struct('file_system_type').set(kind, 'name', k.constantString(name));
    k.get(SuperBlockObjects).init(superBlock, kind);
    k.struct('super_block').setText(superBlock, 's_id', name);
    k.struct('super_block').setBig(superBlock, 's_maxbytes', MAX_LFS_FILESIZE);
    const mount = k.get(MountObjects).init(k.permanent(k.sizeOf('mount')), superBlock, 0);
    return { superBlock, mount };
  }

  private list(type: StructType, ptr: Ptr, path: string): void {
    list.init(this.k.space, type.addr(ptr, path));
  }
}

/** Nodes of file systems that modules implement bring their own objects. */
function givenObjects(node: FileNode): NodeObjects | undefined {
  return 'objects' in node ? (node.objects as NodeObjects) : undefined;
}
