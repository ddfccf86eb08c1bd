import { EBADF, EFAULT, EINTR } from '../../freebsd/errno.js';
import { Files } from '../../freebsd/fs/files.js';
import type { CallNumber, OpenFile } from '../../freebsd/fs/open-file.js';
import { KernelEvents } from '../../freebsd/kern/kqueue.js';
import { SleepQueues } from '../../freebsd/kern/sleepqueue.js';
import { UserMemory } from '../../freebsd/kern/user-memory.js';
import type { FreebsdKernel } from '../../freebsd/kernel.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { MachineError } from '../errors.js';
import { SIGKILL_STATUS } from '../processes.js';
import { bytesOf } from '../terminal.js';
import { freebsdError } from './errors.js';

/** What a process runs: it makes system calls, and what it returns is its exit status (0 for nothing). */
export type Program = (process: UserProcess) => Sleepable<number | void>;

/** Ends a program that was killed, wherever it is. */
class Killed extends Error {}

/**
 * A user's process as its program sees it: system calls (which throw MachineErrors), and memory that no other process sees. Addresses
 * are those of the process, as 64-bit numbers.
 */
export class UserProcess {
  private readonly files: Files;
  private readonly descriptors = new Set<number>();
  private killed = false;

  constructor(private readonly k: FreebsdKernel) {
    this.files = k.get(Files);
  }

  private get task(): Task {
    const { current } = this.k.executor;
    if (!current) throw new Error('only the process itself makes its system calls');
    return current;
  }

  get pid(): number {
    return this.k.processes.processOf(this.task).pid;
  }

  /** open(2): a descriptor. `flags` and `mode` as in fcntl.h. */
  *open(path: string, flags = 0, mode = 0o666): Sleepable<number> {
    const { value } = yield* this.done(`open ${path}`, this.files.openAt(path, flags, mode));
    this.descriptors.add(value);
    return value;
  }

  *close(descriptor: number): Sleepable<void> {
    this.fileOf(descriptor);
    this.descriptors.delete(descriptor);
    yield* this.done('close', this.files.close(descriptor));
  }

  /** At most `count` bytes, by way of a buffer in the process's memory. */
  *read(descriptor: number, count: number): Sleepable<Uint8Array> {
    return yield* this.done('read', this.fileOf(descriptor).read(count));
  }

  /** How many bytes were written. */
  *write(descriptor: number, content: Uint8Array | string): Sleepable<number> {
    return (yield* this.done('write', this.fileOf(descriptor).write(bytesOf(content)))).value;
  }

  /** ioctl(2) with a number, or with a structure, whose bytes are changed where the request says so. */
  *ioctl(descriptor: number, request: number, argument: bigint | Uint8Array = 0n): Sleepable<number> {
    return (yield* this.done('ioctl', this.fileOf(descriptor).ioctl(request, argument))).value;
  }

  /** poll(2) of one file: the events that are ready. Waits for `milliseconds`; for ever where nothing is said. */
  *poll(descriptor: number, events: number, milliseconds?: number): Sleepable<number> {
    const { k } = this;
    const file = this.fileOf(descriptor);
    const until = milliseconds === undefined ? undefined : k.now() + milliseconds * 1e6;
    const ready = yield* this.done(
      'poll',
      (function* (): Sleepable<CallNumber> {
        const result = yield* k.get(KernelEvents).select(() => file.poll(events), until);
        return result === 'signal' ? { errno: EINTR } : { value: result };
      })(),
    );
    return ready.value;
  }

  /** Zeroed memory: its address. */
  allocate(bytes: number): bigint {
    return this.k.space.toAddress(this.k.get(UserMemory).allocate(bytes));
  }

  /** Memory with a copy of some bytes. */
  store(content: Uint8Array | string): bigint {
    const bytes = bytesOf(content);
    const at = this.allocate(bytes.length);
    this.put(at, bytes);
    return at;
  }

  /** Bytes of the process's memory. */
  load(address: bigint, count: number): Uint8Array {
    const bytes = this.k.get(UserMemory).copyFrom(this.k.space.fromAddress(address), count);
    if (bytes.length < count) throw failed('load', EFAULT);
    return bytes;
  }

  put(address: bigint, content: Uint8Array | string): void {
    const left = this.k.get(UserMemory).copyTo(this.k.space.fromAddress(address), bytesOf(content));
    if (left > 0) throw failed('put', EFAULT);
  }

  /** Lets time pass. */
  *sleep(milliseconds: number): Sleepable<void> {
    const { k } = this;
    const until = k.now() + milliseconds * 1e6;
    const { object } = this.task;
    yield* k.get(SleepQueues).sleep(object, { message: 'nanslp', until, interruptible: true });
    this.mayGoOn();
  }

  private fileOf(descriptor: number): OpenFile {
    const file = this.descriptors.has(descriptor) ? this.files.file(descriptor) : undefined;
    if (!file) throw failed('descriptor', EBADF);
    return file;
  }

  private *done<T>(what: string, call: Sleepable<T | { readonly errno: number }>): Sleepable<T> {
    const result = yield* call;
    this.mayGoOn();
    if (typeof result === 'object' && result !== null && 'errno' in result) throw failed(what, result.errno);
    return result as T;
  }

  private mayGoOn(): void {
    if (this.killed) throw new Killed();
  }

  /** Runs a program to its end and gives back what it has left open: its exit status, or why it failed. */
  *run(program: Program): Sleepable<number | MachineError> {
    const { task } = this;
    this.k.get(SleepQueues).signals.set(task, () => this.killed);
    let end: number | MachineError;
    try {
      end = Number((yield* program(this)) ?? 0);
    } catch (error) {
      if (error instanceof Killed) end = SIGKILL_STATUS;
      else if (error instanceof MachineError) end = error;
      else throw error;
    }
    this.k.get(SleepQueues).signals.delete(task);
    for (const descriptor of [...this.descriptors]) yield* this.files.close(descriptor);
    return end;
  }

  /** SIGKILL: a sleep that signals may end does. */
  kill(task: Task): void {
    this.killed = true;
    this.k.get(SleepQueues).interrupt(task);
  }
}

function failed(what: string, errno: number): MachineError {
  const error = freebsdError(errno);
  return new MachineError(`${what}: ${error.text}`, { error });
}

/** A process that was started: it runs whenever something is run in the machine. */
export interface RunningProcess {
  readonly task: Task;
  readonly pid: number;
  /** Runs the machine until the process has ended: its exit status. Throws what ended the program, or that it never ends. */
  wait(): number;
  /** Kills it as SIGKILL does. */
  kill(): void;
}
