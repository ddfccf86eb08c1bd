import { block, type Sleepable } from '../../kernel/effects.js';
import type { Scheduler } from '../../kernel/task/scheduler.js';
import type { Task } from '../../kernel/task/task.js';

/** PIPE_BUF's sixteen pages: what a pipe holds before its writer waits. */
const CAPACITY = 65536;

/** Status of who wrote to a pipe that nobody reads: 128 and SIGPIPE. */
export const BROKEN_PIPE_STATUS = 141;

/** Thrown in who writes to a pipe that nobody reads any more. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe';
}

/** A pipe between two processes of a shell. */
export class Pipe {
  private readonly pieces: Uint8Array[] = [];
  private size = 0;
  private writable = true;
  private readable = true;
  private readonly waiting = new Set<Task>();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly current: () => Task,
  ) {}

  /** Throws BrokenPipe when the reader is gone. */
  *write(bytes: Uint8Array): Sleepable<void> {
    for (let at = 0; at < bytes.length; ) {
      while (this.size >= CAPACITY && this.readable) yield* this.sleep();
      if (!this.readable) throw new BrokenPipe();
      const piece = bytes.slice(at, at + CAPACITY - this.size);
      this.pieces.push(piece);
      this.size += piece.length;
      at += piece.length;
      this.wake();
    }
  }

  /** At most `count` bytes; none at the end. */
  *read(count: number): Sleepable<Uint8Array> {
    while (this.size === 0 && this.writable) yield* this.sleep();
    const piece = this.pieces.shift() ?? new Uint8Array();
    if (piece.length > count) this.pieces.unshift(piece.subarray(count));
    const given = piece.subarray(0, count);
    this.size -= given.length;
    this.wake();
    return given;
  }

  /** Nobody writes any more. */
  endOfWriting(): void {
    this.writable = false;
    this.wake();
  }

  /** Nobody reads any more. */
  endOfReading(): void {
    this.readable = false;
    this.wake();
  }

  private *sleep(): Sleepable<void> {
    this.waiting.add(this.current());
    yield* block();
  }

  private wake(): void {
    for (const task of this.waiting) this.scheduler.wake(task);
    this.waiting.clear();
  }
}
