import { PAGE_SIZE } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { DirectoryNode, FileNode, SymlinkNode } from '../../kernel/files/index.js';
import { EACCES, EPERM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type {
  SysfsAttribute,
  SysfsBinary,
  SysfsDirectory,
  SysfsLink,
  SysfsNode,
} from '../kobject/sysfs/node.js';
import { Sysfs } from '../kobject/sysfs/sysfs.js';
import { FMODE_READ, FMODE_WRITE } from './flags.js';
import { HostServer } from './host-server.js';
import type { FileServer, OpenFile, ServedNode } from './open-file.js';

/** The tree of sysfs as nodes of the file tree: views, kept as long as somebody holds them. */
export class SysfsNodes {
  private readonly views = new WeakMap<SysfsNode, FileNode>();

  constructor(readonly k: LinuxKernel) {}

  get root(): DirectoryNode {
    return this.view(this.k.get(Sysfs).root) as DirectoryNode;
  }

  view(node: SysfsNode): FileNode {
    let view = this.views.get(node);
    if (!view) {
      view = this.make(node);
      this.views.set(node, view);
    }
    return view;
  }

  private make(node: SysfsNode): FileNode {
    switch (node.kind) {
      case 'directory':
        return new DirectoryView(this, node);
      case 'link':
        return linkView(node);
      default:
        return new AttributeView(this.k, node);
    }
  }
}

/** A directory of /sys: nothing can be made or removed in it from user space. */
class DirectoryView extends DirectoryNode {
  constructor(
    private readonly nodes: SysfsNodes,
    private readonly directory: SysfsDirectory,
  ) {
    super(directory.mode);
  }

  override lookup(name: string): FileNode | undefined {
    const child = this.directory.children.get(name);
    return child && this.nodes.view(child);
  }

  override names(): readonly string[] {
    return [...this.directory.children.keys()];
  }

  override insert(): number {
    return -EACCES;
  }

  override remove(): number {
    return -EPERM;
  }
}

/** A link's text depends on where both ends are now. */
function linkView(link: SysfsLink): SymlinkNode {
  return new SymlinkNode(() => link.text);
}

class AttributeView extends FileNode implements ServedNode {
  override readonly kind = 'file';

  constructor(
    private readonly k: LinuxKernel,
    private readonly attribute: SysfsAttribute | SysfsBinary,
  ) {
    super(attribute.mode);
  }

  override get size(): number {
    return this.attribute.kind === 'bin' ? this.attribute.size : PAGE_SIZE;
  }

  /** kernfs_fop_open(): a file without the permission or the function cannot be opened, not even by root. */
  openFile(open: OpenFile): FileServer | number {
    const mode = this.k.struct('file').get(open.file, 'f_mode');
    const { attribute } = this;
    const canRead = attribute.kind === 'bin' ? attribute.source.read : attribute.source.show;
    const canWrite = attribute.kind === 'bin' ? attribute.source.write : attribute.source.store;
    if ((mode & FMODE_WRITE) !== 0 && ((attribute.mode & 0o222) === 0 || !canWrite)) return -EACCES;
    if ((mode & FMODE_READ) !== 0 && ((attribute.mode & 0o444) === 0 || !canRead)) return -EACCES;
    return attribute.kind === 'bin'
      ? new BinaryServer(this.k, attribute)
      : new TextAttribute(this.k, attribute);
  }
}

/** Attributes are shown as a whole, when read from the start; each write is one store. */
class TextAttribute extends HostServer {
  private content: Uint8Array | undefined;

  constructor(
    k: LinuxKernel,
    private readonly attribute: SysfsAttribute,
  ) {
    super(k);
  }

  protected override *bytes(
    _open: OpenFile,
    position: number,
    count: number,
  ): Sleepable<Uint8Array | number> {
    if (position === 0 || !this.content) {
      const shown = yield* this.k.get(Sysfs).read(this.attribute);
      if (typeof shown === 'number') return shown;
      this.content = shown;
    }
    return this.content.subarray(position, position + count);
  }

  protected override take(_open: OpenFile, bytes: Uint8Array): Sleepable<number> {
    return this.k.get(Sysfs).write(this.attribute, bytes);
  }
}

class BinaryServer extends HostServer {
  constructor(
    k: LinuxKernel,
    private readonly attribute: SysfsBinary,
  ) {
    super(k);
  }

  protected override size(): number {
    return this.attribute.size;
  }

  protected override bytes(_open: OpenFile, position: number, count: number): Sleepable<Uint8Array | number> {
    return this.k.get(Sysfs).readBinary(this.attribute, position, Math.min(count, PAGE_SIZE));
  }

  protected override take(_open: OpenFile, bytes: Uint8Array, position: number): Sleepable<number> {
    return this.k.get(Sysfs).write(this.attribute, bytes, position);
  }
}
