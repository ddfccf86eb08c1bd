import type { Sleepable } from '../../kernel/effects.js';
import type { Vfs } from '../../linux/fs/vfs.js';
import { bytesOf, joinBytes, type Terminal } from '../userland/terminal.js';

/** Where a command's input comes from. */
export type Source =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly fd: number };

/** Where a command's output goes. Output to a file of the machine is written when the command is done. */
export type Sink =
  | { readonly kind: 'out' }
  | { readonly kind: 'err' }
  | { readonly kind: 'buffer'; readonly pieces: Uint8Array[] }
  | { readonly kind: 'file'; readonly fd: number; readonly pieces: Uint8Array[] };

/** Most that one write(2) takes. */
const CHUNK = 65536;
const READ_SIZE = 65536;

/** Standard input, output and error of a command. */
export class Io implements Terminal {
  constructor(
    private readonly vfs: Vfs,
    private readonly terminal: Terminal,
    private readonly source: Source,
    readonly stdout: Sink,
    readonly stderr: Sink,
  ) {}

  out(data: string | Uint8Array): void {
    this.to(this.stdout, data);
  }

  err(data: string | Uint8Array): void {
    this.to(this.stderr, data);
  }

  /** All of the input. A negative error number where reading fails. */
  *read(): Sleepable<Uint8Array | number> {
    switch (this.source.kind) {
      case 'nothing':
        return new Uint8Array();
      case 'bytes':
        return this.source.bytes;
      case 'file':
        return yield* readAll(this.vfs, this.source.fd);
    }
  }

  /** Writes what was kept for files of the machine: 0, or a negative error number. */
  *flush(): Sleepable<number> {
    let error = 0;
    for (const sink of [this.stdout, this.stderr]) {
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
    else sink.pieces.push(bytesOf(data));
  }
}

/** Reads an open file to its end. What was read before an error counts as nothing. */
export function* readAll(
  vfs: Vfs,
  fd: number,
  limit = Number.POSITIVE_INFINITY,
): Sleepable<Uint8Array | number> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  while (total < limit) {
    const bytes = yield* vfs.read(fd, Math.min(READ_SIZE, limit - total));
    if (typeof bytes === 'number') return bytes;
    if (bytes.length === 0) break;
    pieces.push(bytes);
    total += bytes.length;
  }
  return joinBytes(pieces);
}

function* writeAll(vfs: Vfs, fd: number, bytes: Uint8Array): Sleepable<number> {
  for (let at = 0; at < bytes.length; ) {
    const done = yield* vfs.write(fd, bytes.subarray(at, at + CHUNK));
    if (done < 0) return done;
    if (done === 0) return 0;
    at += done;
  }
  return 0;
}
