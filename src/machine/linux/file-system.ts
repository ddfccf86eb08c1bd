import type { Sleepable } from '../../kernel/effects.js';
import { O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from '../../linux/fs/flags.js';
import { type FileStatus, Vfs } from '../../linux/fs/vfs.js';
import { MachineError } from '../errors.js';
import { readAll } from '../shell/io.js';
import { bytesOf } from '../terminal.js';
import { linuxError } from './errors.js';
import type { Machine } from './machine.js';

export type { FileStatus };

/** What the body of a system call gives: a value, or a negative error number. */
type Call<T> = (vfs: Vfs) => Sleepable<T | number>;

/**
 * System calls on a machine's files, each made by a process of its own that runs until it is done. Failures
 * are MachineErrors with the errno.
 */
export class MachineFileSystem {
  private readonly vfs: Vfs;

  constructor(private readonly machine: Machine) {
    this.vfs = machine.kernel.get(Vfs);
  }

  /** open(2): a descriptor. `flags` as in fcntl.h. */
  open(path: string, flags = O_RDONLY, mode = 0o666): number {
    return this.call(`open ${path}`, (vfs) => vfs.open(path, flags, mode)) as number;
  }

  close(fd: number): void {
    this.call('close', (vfs) => vfs.close(fd));
  }

  read(fd: number, count: number): Uint8Array {
    return this.call('read', (vfs) => vfs.read(fd, count)) as Uint8Array;
  }

  write(fd: number, content: Uint8Array | string): number {
    return this.call('write', (vfs) => vfs.write(fd, bytesOf(content))) as number;
  }

  seek(fd: number, offset: number, whence = 0): number {
    return this.call('lseek', (vfs) => vfs.lseek(fd, offset, whence)) as number;
  }

  /** ioctl(2) with a number. */
  ioctl(fd: number, request: number, argument: bigint | number = 0): number {
    return this.call('ioctl', (vfs) => vfs.ioctl(fd, request, BigInt(argument))) as number;
  }

  /** ioctl(2) with a structure: its bytes as the driver left them. */
  ioctlBytes(fd: number, request: number, bytes: Uint8Array): { result: number; bytes: Uint8Array } {
    let after: Uint8Array = bytes;
    const result = this.call('ioctl', function* (vfs) {
      const done = yield* vfs.ioctlBytes(fd, request, bytes);
      after = done.bytes;
      return done.result;
    }) as number;
    return { result, bytes: after };
  }

  /** poll(2): the events that are ready. */
  poll(fd: number, events: number, timeoutNs = 0): number {
    return this.call('poll', (vfs) => vfs.poll(fd, events, timeoutNs)) as number;
  }

  /** All of a file. */
  readFile(path: string): Uint8Array {
    return this.call(`read ${path}`, function* (vfs) {
      const fd = yield* vfs.open(path, O_RDONLY);
      if (fd < 0) return fd;
      const bytes = yield* readAll(vfs, fd);
      yield* vfs.close(fd);
      return bytes;
    }) as Uint8Array;
  }

  readText(path: string): string {
    return new TextDecoder().decode(this.readFile(path));
  }

  /** Makes or replaces a file, or writes to a device or an attribute. */
  writeFile(path: string, content: Uint8Array | string): void {
    this.call(`write ${path}`, function* (vfs) {
      const fd = yield* vfs.open(path, O_WRONLY | O_CREAT | O_TRUNC);
      if (fd < 0) return fd;
      const result = yield* vfs.write(fd, bytesOf(content));
      yield* vfs.close(fd);
      return result;
    });
  }

  /** Names in a directory. */
  list(path: string): readonly string[] {
    return this.call(`list ${path}`, (vfs) => vfs.readdir(path)) as readonly string[];
  }

  stat(path: string): FileStatus {
    return this.call(`stat ${path}`, (vfs) => vfs.stat(path)) as FileStatus;
  }

  mkdir(path: string, mode = 0o777): void {
    this.call(`mkdir ${path}`, (vfs) => vfs.mkdir(path, mode));
  }

  mknod(path: string, mode: number, major: number, minor: number): void {
    this.call(`mknod ${path}`, (vfs) => vfs.mknod(path, mode, major, minor));
  }

  unlink(path: string): void {
    this.call(`unlink ${path}`, (vfs) => vfs.unlink(path));
  }

  private call<T>(what: string, body: Call<T>): T | number {
    const { machine, vfs } = this;
    const known = machine.kernel.traps.reports.length;
    const result = machine.perform(what, () => body(vfs));
    if (typeof result !== 'number' || result >= 0) return result;
    const error = linuxError(-result);
    throw new MachineError(`${what}: ${error.text}`, { error, fault: machine.faults(known)[0] });
  }
}
