import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { DirectoryNode, FileNode } from '../../../kernel/files/index.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { EACCES, EINVAL, ENOENT, ENOMEM, EPERM } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { FMODE_READ, FMODE_WRITE } from '../flags.js';
import { HostServer } from '../host-server.js';
import type { FileServer, OpenFile, ServedNode } from '../open-file.js';
import { ProcFs } from './procfs.js';

/** What one registration added to the tree. */
interface Registration {
  /** Below /proc/sys. */
  readonly path: string;
  readonly files: readonly { readonly directory: SysctlDirectory; readonly name: string }[];
  readonly directories: readonly SysctlDirectory[];
}

/** /proc/sys: tables of variables that modules register (fs/proc/proc_sysctl.c). */
export class Sysctl implements Subsystem {
  private readonly root = new SysctlDirectory(undefined, 'sys');
  private readonly registrations = new Map<Ptr, Registration>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_sysctl: (path: Ptr, table: Ptr) => this.registerAt(this.text(path), table),
    register_sysctl_sz: (path: Ptr, table: Ptr, size: number) =>
      this.registerAt(this.text(path), table, size),
    register_net_sysctl: (_net: Ptr, path: Ptr, table: Ptr) => this.registerAt(this.text(path), table),
    register_net_sysctl_sz: (_net: Ptr, path: Ptr, table: Ptr, size: number) =>
      this.registerAt(this.text(path), table, size),
    __register_sysctl_table: (_set: Ptr, path: Ptr, table: Ptr, size?: number) =>
      this.registerAt(this.text(path), table, size),
    // Of the target's own code, where that sets something up.
    __register_sysctl_init: (path: Ptr, table: Ptr, name: Ptr, size?: number) =>
      this.registerAtBoot(this.text(path), table, this.text(name), size),
    register_sysctl_table: (table: Ptr) => this.register([], table),
    register_sysctl_paths: (path: Ptr, table: Ptr) => this.register(this.pathNames(path), table),
    register_sysctl_mount_point: (path: Ptr) => this.registerAt(this.text(path), 0, 0),
    unregister_sysctl_table: (header: Ptr) => this.unregister(header),
    unregister_net_sysctl_table: (header: Ptr) => this.unregister(header),
  };

  *holds(): Generator<Holding> {
    const type = this.k.struct('ctl_table_header');
    for (const [header, { path }] of this.registrations)
      yield {
        kind: 'sysctl table',
        at: header,
        uses: [type.get(header, 'ctl_table')],
        name: () => `/proc/sys/${path}`,
      };
  }

  boot(): void {
    this.k.get(ProcFs).root.attach('sys', this.root);
    for (const name of ['abi', 'debug', 'dev', 'fs', 'kernel', 'net', 'net/core', 'net/ipv4', 'user', 'vm'])
      this.directory(name.split('/'));
  }

  /** The directory at a path below /proc/sys, made where it is missing; for the base kernel's own files. */
  directory(names: readonly string[]): SysctlDirectory {
    let at = this.root;
    for (const name of names) {
      at = at.subdirectory(name) ?? this.root;
      at.users++;
    }
    return at;
  }

  private text(ptr: Ptr): string {
    return this.k.space.cstring(ptr);
  }

  private registerAt(path: string, table: Ptr, size?: number): Ptr {
    return this.register(
      path.split('/').filter((part) => part !== ''),
      table,
      size,
    );
  }

  private registerAtBoot(path: string, table: Ptr, name: string, size?: number): void {
    const header = this.registerAt(path, table, size);
    if (header === 0) this.k.log.line(`failed when register_sysctl_sz ${name} to ${path}`, LOGLEVEL_ERR);
  }

  private pathNames(path: Ptr): string[] {
    const type = this.k.struct('ctl_path');
    const names: string[] = [];
    for (let at = path; type.get(at, 'procname') !== 0; at += type.size)
      names.push(type.string(at, 'procname'));
    return names;
  }

  /** Adds a table's entries: its header, 0 if something is wrong with it. */
  private register(path: readonly string[], table: Ptr, size?: number): Ptr {
    const { k } = this;
    const plan: { readonly path: readonly string[]; readonly entry: Ptr; readonly name: string }[] = [];
    if (table !== 0) this.collect(path, table, size, plan);
    if (plan.some(({ path: at, entry, name }) => !this.isUsable(at, entry, name))) return 0;
    const files: { directory: SysctlDirectory; name: string }[] = [];
    const directories: SysctlDirectory[] = this.claim(path);
    for (const { path: at, entry, name } of plan) {
      directories.push(...this.claim(at.slice(path.length), directories[path.length - 1] ?? this.root));
      const directory = this.at(at);
      const file = new SysctlFile(k, entry, k.struct('ctl_table').get(entry, 'mode'));
      if (directory.attach(name, file) === 0) files.push({ directory, name });
      else {
        k.log.line(`sysctl duplicate entry: /${at.join('/')}/${name}`, LOGLEVEL_ERR);
        this.undo({ files, directories });
        return 0;
      }
    }
    const type = k.struct('ctl_table_header');
    const header = k.slab.allocateBytes(type.size, true);
    type.set(header, 'ctl_table', table);
    if (type.has('ctl_table_arg')) type.set(header, 'ctl_table_arg', table);
    type.set(header, 'count', 1);
    type.set(header, 'nreg', 1);
    const first = plan[0] && [...plan[0].path, plan[0].name].join('/');
    this.registrations.set(header, { path: first ?? path.join('/'), files, directories });
    return header;
  }

  private unregister(header: Ptr): void {
    const registration = this.registrations.get(header);
    if (!registration) return;
    this.registrations.delete(header);
    this.undo(registration);
    this.k.slab.free(header);
  }

  private undo({ files, directories }: Omit<Registration, 'path'>): void {
    for (const { directory, name } of files) directory.detach(name);
    for (const directory of [...directories].reverse()) directory.release();
  }

  /** Entries of a table and of the tables below it (`child`, before 6.6). */
  private collect(
    path: readonly string[],
    table: Ptr,
    size: number | undefined,
    plan: { path: readonly string[]; entry: Ptr; name: string }[],
  ): void {
    const type = this.k.struct('ctl_table');
    for (let index = 0, at = table; size === undefined || index < size; index++, at += type.size) {
      if (type.get(at, 'procname') === 0) break;
      const name = type.string(at, 'procname');
      const child = type.has('child') ? type.get(at, 'child') : 0;
      if (child !== 0) this.collect([...path, name], child, undefined, plan);
      else plan.push({ path, entry: at, name });
    }
  }

  /** sysctl_check_table() */
  private isUsable(path: readonly string[], entry: Ptr, name: string): boolean {
    const { k } = this;
    const type = k.struct('ctl_table');
    const problems: string[] = [];
    const handler = k.exports.nameAt(type.get(entry, 'proc_handler'));
    if (handler !== undefined && CHECKED_HANDLERS.has(handler)) {
      if (type.get(entry, 'data') === 0) problems.push('No data');
      if (type.get(entry, 'maxlen') === 0) problems.push('No maxlen');
    }
    if (type.get(entry, 'proc_handler') === 0) problems.push('No proc_handler');
    const mode = type.get(entry, 'mode');
    if ((mode & 0o666) !== mode) problems.push(`bogus .mode 0${mode.toString(8)}`);
    for (const problem of problems)
      k.log.line(`sysctl table check failed: ${path.join('/')}/${name} ${problem}`, LOGLEVEL_ERR);
    return problems.length === 0;
  }

  /** Takes a use of every directory on a path. */
  private claim(path: readonly string[], from = this.root): SysctlDirectory[] {
    const claimed: SysctlDirectory[] = [];
    let at = from;
    for (const name of path) {
      const next = at.subdirectory(name);
      if (!next) break;
      next.users++;
      claimed.push(next);
      at = next;
    }
    return claimed;
  }

  private at(path: readonly string[]): SysctlDirectory {
    let at = this.root;
    for (const name of path) at = at.subdirectory(name) ?? at;
    return at;
  }
}

const CHECKED_HANDLERS: ReadonlySet<string> = new Set([
  'proc_dostring',
  'proc_dobool',
  'proc_dointvec',
  'proc_douintvec',
  'proc_dointvec_minmax',
  'proc_douintvec_minmax',
  'proc_dou8vec_minmax',
  'proc_dointvec_jiffies',
  'proc_dointvec_userhz_jiffies',
  'proc_dointvec_ms_jiffies',
  'proc_doulongvec_minmax',
  'proc_doulongvec_ms_jiffies_minmax',
]);

/** A directory of /proc/sys; it goes with the last registration that needs it. */
class SysctlDirectory extends DirectoryNode {
  users = 0;
  private readonly children = new Map<string, FileNode>();

  constructor(
    private readonly parent: SysctlDirectory | undefined,
    private readonly name: string,
  ) {
    super(0o555);
  }

  override lookup(name: string): FileNode | undefined {
    return this.children.get(name);
  }

  override names(): readonly string[] {
    return [...this.children.keys()].sort();
  }

  override insert(): number {
    return -EPERM;
  }

  override remove(): number {
    return -EPERM;
  }

  attach(name: string, node: FileNode): number {
    if (this.children.has(name)) return -EINVAL;
    this.children.set(name, node);
    return 0;
  }

  detach(name: string): number {
    return this.children.delete(name) ? 0 : -ENOENT;
  }

  /** The directory of that name, made if there is nothing; undefined if there is a file. */
  subdirectory(name: string): SysctlDirectory | undefined {
    const known = this.children.get(name);
    if (known) return known instanceof SysctlDirectory ? known : undefined;
    const made = new SysctlDirectory(this, name);
    this.children.set(name, made);
    return made;
  }

  release(): void {
    if (--this.users <= 0 && this.children.size === 0) this.parent?.detach(this.name);
  }
}

/** A variable: reads and writes go through its proc_handler. */
class SysctlFile extends FileNode implements ServedNode {
  override readonly kind = 'file';

  constructor(
    private readonly k: LinuxKernel,
    private readonly entry: Ptr,
    mode: number,
  ) {
    super(mode);
  }

  openFile(open: OpenFile): FileServer | number {
    const wanted = this.k.struct('file').get(open.file, 'f_mode');
    if ((wanted & FMODE_READ) !== 0 && (this.mode & 0o400) === 0) return -EACCES;
    if ((wanted & FMODE_WRITE) !== 0 && (this.mode & 0o200) === 0) return -EACCES;
    return new SysctlServer(this.k, this.entry);
  }
}

/** proc_sys_call_handler() */
class SysctlServer extends HostServer {
  constructor(
    k: LinuxKernel,
    private readonly entry: Ptr,
  ) {
    super(k);
  }

  protected override *bytes(
    _open: OpenFile,
    position: number,
    count: number,
  ): Sleepable<Uint8Array | number> {
    return yield* this.handle(false, new Uint8Array(count), position);
  }

  protected override *take(_open: OpenFile, bytes: Uint8Array, position: number): Sleepable<number> {
    const result = yield* this.handle(true, bytes, position);
    return typeof result === 'number' ? result : bytes.length;
  }

  private *handle(write: boolean, bytes: Uint8Array, position: number): Sleepable<Uint8Array | number> {
    const { k } = this;
    const type = k.struct('ctl_table');
    if (type.get(this.entry, 'proc_handler') === 0) return -EINVAL;
    const buffer = k.slab.allocateBytes(bytes.length + 1, true);
    if (buffer === 0) return -ENOMEM;
    k.space.writable(buffer, bytes.length).set(bytes);
    const { entry } = this;
    const result = yield* withLocals(k, 16, function* (at): Sleepable<Uint8Array | number> {
      k.space.storeLong(at, bytes.length);
      k.space.storeLong(at + 8, position);
      const error = yield* type.call(entry, 'proc_handler', entry, write, buffer, at, at + 8);
      return error === 0 ? k.space.readable(buffer, k.space.loadU64(at)).slice() : error;
    });
    k.slab.free(buffer);
    return result;
  }
}
