import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { EINVAL, ENOENT } from '../errno.js';
import { kvprintf } from '../kern/format.js';
import { SubrPrf } from '../kern/subr_prf.js';
import { Tailq } from '../kern/tailq.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Options that every file system knows (global_opts of sys/kern/vfs_mount.c). */
const GLOBAL: ReadonlySet<string> = new Set([
  'errmsg',
  'fspath',
  'fstype',
  'force',
  'noatime',
  'noexec',
  'norw',
  'noro',
  'nosuid',
  'nosymfollow',
  'ro',
  'rw',
  'suiddir',
  'nocover',
  'emptydir',
  'reload',
  'update',
  'union',
]);
/** As mount(8) has it. */
const MESSAGE_BYTES = 255;
/** Of 1024 bytes, of 1024 of those, and so on. */
const SUFFIXES = ' kmgt';

/** Options of a mount: vfs_getopt(9) and its kin (sys/kern/vfs_mount.c). */
export class VfsOptions implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    vfs_getopt: (list: Ptr, name: Ptr, place: Ptr, length: Ptr) => this.get(list, name, place, length),
    vfs_getopts: (list: Ptr, name: Ptr, error: Ptr) => this.text(list, name, error),
    vfs_getopt_pos: (list: Ptr, name: Ptr) => {
      const option = this.find(list, name);
      return option === 0 ? -1 : this.type.get(option, 'pos');
    },
    vfs_getopt_size: (list: Ptr, name: Ptr, place: Ptr) => this.size(list, name, place),
    vfs_flagopt: (list: Ptr, name: Ptr, word: Ptr, flag: bigint) => this.flag(list, name, word, flag),
    vfs_filteropt: (list: Ptr, legal: Ptr) => this.filter(list, legal),
    vfs_deleteopt: (list: Ptr, name: Ptr) => this.remove(list, this.k.space.cstring(name)),
    vfs_opterror: (list: Ptr, format: Ptr, args: VarArgs) => this.say(list, this.format(format, args)),
    vfs_mount_error: (mp: Ptr, format: Ptr, args: VarArgs) =>
      this.say(this.k.struct('mount').get(mp, 'mnt_optnew'), this.format(format, args)),
  };

  readonly signatures = { vfs_flagopt: 'i:pppQ' };

  private format(format: Ptr, args: VarArgs): string {
    return kvprintf(this.k.space, this.k.space.cstring(format), args);
  }

  private get type() {
    return this.k.struct('vfsopt');
  }

  /** A struct vfsoptlist of options and their values. */
  make(options: ReadonlyMap<string, string>): Ptr {
    const { k, type } = this;
    const list = k.slab.allocateBytes(16, true);
    const queue = new Tailq(k, list, type.offsetOf('link'));
    queue.init();
    for (const [name, value] of options) {
      const option = k.slab.allocateBytes(type.size, true);
      type.set(option, 'name', k.constantString(name));
      type.set(option, 'value', k.constantString(value));
      type.set(option, 'len', value.length + 1);
      queue.append(option);
    }
    queue.append(this.messageOption());
    return list;
  }

  /** errmsg: room for what the file system says of a mount that it refuses. */
  private messageOption(): Ptr {
    const { k, type } = this;
    const option = k.slab.allocateBytes(type.size + MESSAGE_BYTES, true);
    type.set(option, 'name', k.constantString('errmsg'));
    type.set(option, 'value', option + type.size);
    type.set(option, 'len', MESSAGE_BYTES);
    return option;
  }

  /** What a file system said of a mount; '' for nothing. */
  messageOf(list: Ptr): string {
    return this.valueOf(list, this.k.constantString('errmsg')) ?? '';
  }

  /** vfs_opterror(), vfs_mount_error(). */
  private say(list: Ptr, text: string): void {
    const option = this.find(list, this.k.constantString('errmsg'));
    if (option === 0) this.k.get(SubrPrf).line(text);
    else this.k.space.storeCstring(this.type.get(option, 'value'), text.slice(0, MESSAGE_BYTES - 1));
  }

  free(list: Ptr): void {
    if (list === 0) return;
    for (const option of this.entries(list)) this.k.slab.free(option);
    this.k.slab.free(list);
  }

  private entries(list: Ptr): Generator<Ptr> {
    return new Tailq(this.k, list, this.type.offsetOf('link')).entries();
  }

  private remove(list: Ptr, name: string): void {
    if (list === 0) return;
    const queue = new Tailq(this.k, list, this.type.offsetOf('link'));
    for (const option of [...queue.entries()]) {
      if (this.type.string(option, 'name') !== name) continue;
      queue.remove(option);
      this.k.slab.free(option);
    }
  }

  private find(list: Ptr, name: Ptr): Ptr {
    const wanted = this.k.space.cstring(name);
    for (const option of this.entries(list))
      if (this.type.string(option, 'name') === wanted) {
        this.type.set(option, 'seen', 1);
        return option;
      }
    return 0;
  }

  /** The text of an option; undefined where it is not there. */
  valueOf(list: Ptr, name: Ptr): string | undefined {
    const option = this.find(list, name);
    return option === 0 ? undefined : this.type.string(option, 'value');
  }

  private get(list: Ptr, name: Ptr, place: Ptr, length: Ptr): number {
    const option = this.find(list, name);
    if (option === 0) return ENOENT;
    if (place !== 0) this.k.space.storePtr(place, this.type.get(option, 'value'));
    if (length !== 0) this.k.space.store32(length, this.type.get(option, 'len'));
    return 0;
  }

  private text(list: Ptr, name: Ptr, error: Ptr): Ptr {
    const option = this.find(list, name);
    this.k.space.store32(error, option === 0 ? ENOENT : 0);
    return option === 0 ? 0 : this.type.get(option, 'value');
  }

  /** A number of bytes, with k, m, g or t. */
  private size(list: Ptr, name: Ptr, place: Ptr): number {
    const option = this.find(list, name);
    if (option === 0) return ENOENT;
    const match = /^(\d+)([kmgt]?)$/i.exec(this.type.string(option, 'value'));
    if (!match) return EINVAL;
    this.k.space.storeLong(place, Number(match[1]) * 1024 ** SUFFIXES.indexOf(match[2].toLowerCase() || ' '));
    return 0;
  }

  private flag(list: Ptr, name: Ptr, word: Ptr, flag: bigint): number {
    const found = this.find(list, name) !== 0;
    if (word !== 0) {
      const value = this.k.space.load64(word);
      this.k.space.store64(word, found ? value | flag : value & ~flag);
    }
    return Number(found);
  }

  /** EINVAL where there is an option that nobody knows. */
  private filter(list: Ptr, legal: Ptr): number {
    const { k } = this;
    const known = new Set<string>();
    for (let at = legal; k.space.loadPtr(at) !== 0; at += 8) known.add(k.space.cstring(k.space.loadPtr(at)));
    for (const option of this.entries(list)) {
      const name = this.type.string(option, 'name');
      const plain = name.replace(/^no/, '');
      if ([name, plain].some((one) => known.has(one) || known.has(`no${one}`) || GLOBAL.has(one))) continue;
      this.say(list, `mount option <${name}> is unknown`);
      return EINVAL;
    }
    return 0;
  }
}
