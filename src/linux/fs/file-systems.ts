import type { Ptr } from '../../cpu/layout.js';
import { EBUSY, EINVAL } from '../errno.js';
import { Oops } from '../errors.js';
import { type Holding, heldStructs } from '../holding.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** file_system_type.fs_flags: needs a block device. */
export const FS_REQUIRES_DEV = 1;

/** File systems that are part of the base kernel, in the order in which they register. */
const BUILT_IN = ['sysfs', 'tmpfs', 'proc', 'devtmpfs', 'debugfs', 'tracefs', 'securityfs', 'ramfs'];

/** The list of file system types (fs/filesystems.c). */
export class FileSystems implements Subsystem {
  private readonly types: Ptr[] = [];
  /** Names of those that TypeScript has, and no code of the target's own has registered since. */
  private readonly builtIn = new Set(BUILT_IN);

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_filesystem: (type: Ptr) => this.register(type),
    unregister_filesystem: (type: Ptr) => this.unregister(type),
    get_fs_type: (name: Ptr) => this.get(this.k.space.cstring(name)),
    put_filesystem: (type: Ptr) =>
      this.k.get(Modules).putStruct(this.k.struct('file_system_type').get(type, 'owner')),
    get_filesystem: (type: Ptr) =>
      this.k.get(Modules).getStruct(this.k.struct('file_system_type').get(type, 'owner')),
  };

  holds(): Iterable<Holding> {
    return heldStructs(this.k, { kind: 'file system', struct: 'file_system_type', name: 'name' }, this.types);
  }

  /** The struct file_system_type of that name, 0 if nobody registered it. */
  find(name: string): Ptr {
    const type = this.k.struct('file_system_type');
    return this.types.find((known) => type.string(known, 'name') === name) ?? 0;
  }

  /** /proc/filesystems */
  text(): string {
    const type = this.k.struct('file_system_type');
    const own = [...this.builtIn].map((name) => `nodev\t${name}\n`);
    const registered = this.types.map((known) => {
      const needsDevice = (type.get(known, 'fs_flags') & FS_REQUIRES_DEV) !== 0;
      return `${needsDevice ? '' : 'nodev'}\t${type.string(known, 'name')}\n`;
    });
    return [...own, ...registered].join('');
  }

  private register(type: Ptr): number {
    const types = this.k.struct('file_system_type');
    const name = types.string(type, 'name');
    if (name.includes('.')) throw new Oops('bug', 'kernel BUG at fs/filesystems.c:77!', this.k.caller);
    if (types.get(type, 'next') !== 0) return -EBUSY;
    // The kernel's own registration of what has only had a name so far.
    if (this.k.native?.settingUp !== undefined) this.builtIn.delete(name);
    if (this.find(name) !== 0 || this.builtIn.has(name)) return -EBUSY;
    const last = this.types.at(-1);
    if (last !== undefined) types.set(last, 'next', type);
    this.k.origins.note(type);
    this.types.push(type);
    return 0;
  }

  private unregister(type: Ptr): number {
    const types = this.k.struct('file_system_type');
    const index = this.types.indexOf(type);
    if (index < 0) return -EINVAL;
    if (index > 0) types.set(this.types[index - 1], 'next', types.get(type, 'next'));
    types.set(type, 'next', 0);
    this.types.splice(index, 1);
    return 0;
  }

  private get(name: string): Ptr {
    const type = this.find(name);
    if (type === 0) return 0;
    const owner = this.k.struct('file_system_type').get(type, 'owner');
    return this.k.get(Modules).tryGet(owner) ? type : 0;
  }
}
