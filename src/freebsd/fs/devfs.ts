import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { DirectoryNode, FileNode, MemoryDirectory, SymlinkNode } from '../../kernel/files/index.js';
import { EOPNOTSUPP } from '../errno.js';
import { type Cdev, Conf } from '../kern/conf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** A device in /dev. */
export class CdevNode extends FileNode {
  override readonly kind = 'character';

  constructor(
    readonly device: Ptr,
    mode: number,
  ) {
    super(mode);
  }
}

/** A directory of devices: a name that is looked up to be made is first offered to drivers (dev_clone); nothing else can be made in it. */
class DeviceDirectory extends MemoryDirectory {
  constructor(
    private readonly k: FreebsdKernel,
    private readonly prefix: string,
  ) {
    super(0o555);
  }

  override *make(name: string): Sleepable<FileNode | number> {
    const device = yield* this.k.get(Conf).clone(this.prefix + name);
    const made = device === 0 ? undefined : this.lookup(name);
    return made ?? EOPNOTSUPP;
  }
}

/** devfs(5): /dev has a node for every device, in directories where their names have slashes. */
export class Devfs implements Subsystem {
  readonly exports = {};
  private readonly root: DeviceDirectory;

  constructor(private readonly k: FreebsdKernel) {
    this.root = new DeviceDirectory(k, '');
  }

  boot(): void {
    const { k } = this;
    const conf = k.get(Conf);
    const point = k.files.makeDirectories('/dev');
    k.files.mount({ type: 'devfs', source: 'devfs', target: '/dev', root: this.root, options: '' }, point);
    conf.listeners.push({ made: (device) => this.add(device), destroyed: (device) => this.remove(device) });
    for (const device of conf.all) this.add(device);
  }

  private add({ at, name, aliasOf }: Cdev): void {
    const parts = name.split('/');
    const last = parts.pop() as string;
    const directory = this.directory(parts);
    if (aliasOf) {
      // Another name of a device is a link to it.
      directory.insert(last, new SymlinkNode(`${'../'.repeat(parts.length)}${aliasOf.name}`));
      return;
    }
    const type = this.k.struct('cdev');
    const node = new CdevNode(at, type.get(at, 'si_mode') & 0o7777);
    node.uid = type.get(at, 'si_uid');
    node.gid = type.get(at, 'si_gid');
    directory.insert(last, node);
  }

  private remove({ name }: Cdev): void {
    const parts = name.split('/');
    const last = parts.pop() as string;
    this.directory(parts).remove(last);
    while (parts.length > 0) {
      const directory = this.directory(parts);
      if (directory.names().length > 0) return;
      const empty = parts.pop() as string;
      this.directory(parts).remove(empty);
    }
  }

  private directory(parts: readonly string[]): DirectoryNode {
    let at: DirectoryNode = this.root;
    for (const [depth, part] of parts.entries()) {
      const there = at.lookup(part);
      if (there instanceof DirectoryNode) at = there;
      else {
        const made = new DeviceDirectory(this.k, `${parts.slice(0, depth + 1).join('/')}/`);
        at.insert(part, made);
        at = made;
      }
    }
    return at;
  }
}
