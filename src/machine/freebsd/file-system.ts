import { EBADF } from '../../freebsd/errno.js';
import { Files } from '../../freebsd/fs/files.js';
import type { CallNumber, FileStatus } from '../../freebsd/fs/open-file.js';
import { VnodeTree } from '../../freebsd/fs/vnode-nodes.js';
import type { FreebsdKernel } from '../../freebsd/kernel.js';
import type { Sleepable } from '../../kernel/effects.js';
import { MachineError } from '../errors.js';
import { bytesOf, joinBytes } from '../terminal.js';
import { freebsdError } from './errors.js';

/** Runs the body of a system call in a process of its own. */
export type Perform = <T>(what: string, body: () => Sleepable<T>) => T;

interface Failed {
  readonly errno: number;
}

/** Bytes that are read at once. */
const CHUNK = 4096;

/** System calls on a machine's files, each made by a process of its own that runs until it is done. Failures are MachineErrors. */
export class FreebsdFileSystem {
  private readonly files: Files;

  constructor(
    private readonly kernel: FreebsdKernel,
    private readonly perform: Perform,
  ) {
    this.files = kernel.get(Files);
  }

  /** open(2): a descriptor. `flags` as in fcntl.h. */
  open(path: string, flags = 0, mode = 0o666): number {
    return this.number(`open ${path}`, () => this.files.openAt(path, flags, mode));
  }

  close(descriptor: number): void {
    this.number('close', () => this.files.close(descriptor));
  }

  /** At most `count` bytes; none at the end of the file. */
  read(descriptor: number, count: number): Uint8Array {
    return this.call('read', () => this.onFile(descriptor, (file) => file.read(count)));
  }

  /** How many bytes were written. */
  write(descriptor: number, content: Uint8Array | string): number {
    return this.number('write', () => this.onFile(descriptor, (file) => file.write(bytesOf(content))));
  }

  /** ioctl(2) with a number, or with a structure, whose bytes are changed where the request says so. */
  ioctl(descriptor: number, request: number, argument: bigint | Uint8Array = 0n): number {
    return this.number('ioctl', () => this.onFile(descriptor, (file) => file.ioctl(request, argument)));
  }

  /** The events of `events` that are ready now, as poll(2) has them. */
  poll(descriptor: number, events: number): number {
    return this.call('poll', () => this.onFile(descriptor, (file) => file.poll(events)));
  }

  /** All of a file. */
  readFile(path: string): Uint8Array {
    return this.call(`read ${path}`, () => this.readAll(path));
  }

  readText(path: string): string {
    return new TextDecoder().decode(this.readFile(path));
  }

  /** Makes or replaces a file, or writes to a device. */
  writeFile(path: string, content: Uint8Array | string, append = false): void {
    const { kernel } = this;
    const how = append ? kernel.macro('O_APPEND') : kernel.macro('O_TRUNC');
    const flags = kernel.macro('O_WRONLY') | kernel.macro('O_CREAT') | how;
    this.number(`write ${path}`, () => this.writeAll(path, flags, bytesOf(content)));
  }

  list(path: string): readonly string[] {
    return this.call(`list ${path}`, () => this.files.list(path));
  }

  stat(path: string): FileStatus {
    const { files } = this;
    return this.call(`stat ${path}`, () => files.stat(path));
  }

  mkdir(path: string, mode = 0o777): void {
    this.done(`mkdir ${path}`, () => this.files.makeDirectory(path, mode));
  }

  /** Removes a file, or an empty directory. */
  unlink(path: string): void {
    this.done(`unlink ${path}`, () => this.files.remove(path));
  }

  /** mount(8): a file system of a type that the kernel has been given by a module, on a directory. */
  mount(type: string, target: string, from = type, options: ReadonlyMap<string, string> = new Map()): void {
    const tree = this.kernel.get(VnodeTree);
    this.done(`mount ${target}`, function* () {
      return (yield* tree.mount({ type, from, target, options })).errno;
    });
  }

  /** umount(8). */
  unmount(target: string, force = false): void {
    this.done(`unmount ${target}`, () => this.kernel.get(VnodeTree).unmount(target, force));
  }

  private done(what: string, body: () => Sleepable<number>): void {
    this.call(what, function* (): Sleepable<Failed | undefined> {
      const errno = yield* body();
      return errno === 0 ? undefined : { errno };
    });
  }

  /** The whole of a file, within a process. */
  *readAll(path: string): Sleepable<Uint8Array | Failed> {
    const opened = yield* this.files.openAt(path, 0);
    if ('errno' in opened) return opened;
    const file = this.files.file(opened.value);
    const pieces: Uint8Array[] = [];
    let failed: Failed | undefined;
    while (file) {
      const bytes = yield* file.read(CHUNK);
      if ('errno' in bytes) failed = bytes;
      if (!(bytes instanceof Uint8Array) || bytes.length === 0) break;
      pieces.push(bytes);
    }
    yield* this.files.close(opened.value);
    return failed ?? joinBytes(pieces);
  }

  /** Writes all to a file, within a process. */
  *writeAll(path: string, flags: number, bytes: Uint8Array): Sleepable<CallNumber> {
    const opened = yield* this.files.openAt(path, flags);
    if ('errno' in opened) return opened;
    const file = this.files.file(opened.value);
    let done = 0;
    let failed: Failed | undefined;
    while (file && done < bytes.length && !failed) {
      const result = yield* file.write(bytes.subarray(done));
      if ('errno' in result) failed = result;
      else if (result.value === 0) break;
      else done += result.value;
    }
    const closed = yield* this.files.close(opened.value);
    return failed ?? ('errno' in closed ? closed : { value: done });
  }

  private *onFile<T>(
    descriptor: number,
    body: (file: NonNullable<ReturnType<Files['file']>>) => Sleepable<T>,
  ): Sleepable<T | Failed> {
    const file = this.files.file(descriptor);
    return file ? yield* body(file) : { errno: EBADF };
  }

  private number(what: string, body: () => Sleepable<CallNumber | Failed>): number {
    return this.call(what, body).value;
  }

  private call<T>(what: string, body: () => Sleepable<T | Failed>): T {
    const result = this.perform(what, body);
    if (!isFailed(result)) return result;
    const error = freebsdError(result.errno);
    throw new MachineError(`${what}: ${error.text}`, { error });
  }
}

function isFailed(result: unknown): result is Failed {
  return typeof result === 'object' && result !== null && 'errno' in result;
}
