import type { Sleepable } from '../../kernel/effects.js';
import { bytesOf, joinBytes, type Terminal } from '../terminal.js';
import type { Keyboard } from './keyboard.js';
import { BrokenPipe, type Pipe } from './pipe.js';
import { ENOMEM, type ShellFiles } from './system.js';

/** Where a command's input comes from. */
export type Source =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; at: number }
  | { readonly kind: 'file'; readonly fd: number }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }
  | { readonly kind: 'keyboard'; readonly keyboard: Keyboard };

/** Where a command's output goes. What goes to a file or into a pipe is written when there is enough, or the command is done. */
export type Sink =
  | { readonly kind: 'out' }
  | { readonly kind: 'err' }
  | { readonly kind: 'null' }
  | { readonly kind: 'buffer'; readonly pieces: Uint8Array[]; size: number }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly pieces: Uint8Array[] }
  | { readonly kind: 'file'; readonly fd: number; readonly pieces: Uint8Array[] };

/** Most that one write(2) takes. */
const READ_CHUNK = 65536;
const READ_SIZE = 65536;
/** Most that `$(...)` stands for: texts of scripts are far shorter, and what never ends has to end. */
export const MOST_SUBSTITUTED = 16 << 20;
/** Most that a command which needs all of its input reads: a machine of the usual size has no room for more. */
const MOST_READ = 128 << 20;

/** Standard input, output and error of a command. */
export class Io implements Terminal {
  private kept = 0;
  private failure = 0;

  constructor(
    private readonly vfs: ShellFiles,
    private readonly terminal: Terminal,
    readonly source: Source,
    readonly stdout: Sink,
    readonly stderr: Sink,
  ) {}

  out(data: string | Uint8Array): void {
    this.to(this.stdout, data);
  }

  err(data: string | Uint8Array): void {
    this.to(this.stderr, data);
  }

  /** Some of the input, none at its end. A negative error number where reading fails. */
  *readSome(count = READ_SIZE): Sleepable<Uint8Array | number> {
    const { source } = this;
    switch (source.kind) {
      case 'nothing':
        return new Uint8Array();
      case 'bytes':
        source.at += count;
        return source.bytes.subarray(source.at - count, source.at);
      case 'file':
        return yield* this.vfs.read(source.fd, count);
      case 'pipe':
        return yield* source.pipe.read(count);
      case 'keyboard':
        return yield* source.keyboard.read(count);
    }
  }

  /** All of the input. A negative error number where reading fails, or there is no end of it. */
  *read(): Sleepable<Uint8Array | number> {
    const pieces: Uint8Array[] = [];
    for (let total = 0; total <= MOST_READ; ) {
      const bytes = yield* this.readSome();
      if (typeof bytes === 'number') return bytes;
      if (bytes.length === 0) return joinBytes(pieces);
      pieces.push(bytes);
      total += bytes.length;
    }
    return -ENOMEM;
  }

  /**
   * For commands that print while they read: passes on what was printed, into a pipe at once. False where it cannot be
   * written, which is told at the end. Throws BrokenPipe.
   */
  *pass(): Sleepable<boolean> {
    if (this.stdout.kind === 'pipe' || this.kept >= READ_CHUNK) {
      const error = yield* this.flush();
      if (error < 0) this.failure = error;
    }
    return this.failure === 0;
  }

  /** Writes what was kept: 0, or a negative error number. Throws BrokenPipe. */
  *flush(): Sleepable<number> {
    let error = this.failure;
    this.kept = 0;
    for (const sink of [this.stdout, this.stderr]) {
      if (sink.kind === 'pipe') yield* sink.pipe.write(joinBytes(sink.pieces.splice(0)));
      if (sink.kind !== 'file') continue;
      const bytes = joinBytes(sink.pieces.splice(0));
      const result = yield* writeAll(this.vfs, sink.fd, bytes);
      if (result < 0) error = result;
    }
    return error;
  }

  private to(sink: Sink, data: string | Uint8Array): void {
    if (sink.kind === 'out') this.terminal.out(data);
    else if (sink.kind === 'err') this.terminal.err(data);
    else if (sink.kind !== 'null') {
      const bytes = bytesOf(data);
      if (sink.kind === 'buffer') {
        sink.size += bytes.length;
        if (sink.size > MOST_SUBSTITUTED) throw new BrokenPipe();
      }
      sink.pieces.push(bytes);
      this.kept += bytes.length;
    }
  }
}

/** Reads an open file to its end. What was read before an error counts as nothing. */
export function* readAll(
  vfs: Pick<ShellFiles, 'read'>,
  fd: number,
  limit = Number.POSITIVE_INFINITY,
): Sleepable<Uint8Array | number> {
  const most = Math.min(limit, MOST_READ + 1);
  const pieces: Uint8Array[] = [];
  let total = 0;
  while (total < most) {
    const bytes = yield* vfs.read(fd, Math.min(READ_SIZE, most - total));
    if (typeof bytes === 'number') return bytes;
    if (bytes.length === 0) break;
    pieces.push(bytes);
    total += bytes.length;
  }
  return total > MOST_READ ? -ENOMEM : joinBytes(pieces);
}

function* writeAll(vfs: ShellFiles, fd: number, bytes: Uint8Array): Sleepable<number> {
  for (let at = 0; at < bytes.length; ) {
    const done = yield* vfs.write(fd, bytes.subarray(at, at + READ_CHUNK));
    if (done < 0) return done;
    if (done === 0) return 0;
    at += done;
  }
  return 0;
}
