import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { HostInput } from '../index.js';

const CTRL_C = 3;
const CTRL_D = 4;
const CTRL_U = 21;
const BACKSPACE = [8, 127];
/** Real time that who waits for a key sleeps between two looks. */
const WAIT_MS = 10;

/** Opened anew, so that nobody else's descriptor stops waiting. A process may have no controlling terminal. */
function openTerminal(): number {
  const how = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  try {
    return openSync('/dev/tty', how);
  } catch {
    return openSync('/dev/fd/0', how);
  }
}

/**
 * The terminal's keyboard while a command of the machine runs. Commands run without going back to Node's event loop, so
 * neither signal handlers nor readline see what is typed: the terminal is in raw mode (readline's), and is asked here.
 */
export class ShellKeyboard implements HostInput {
  private readonly fd = openTerminal();
  private readonly chunk = Buffer.alloc(4096);
  /** Typed, and nobody's yet. */
  private typed: number[] = [];
  /** The line that is being typed for a command that reads. */
  private line: number[] = [];
  /** Lines, and ends of the input, that a command may have. */
  private ready: number[] = [];
  private ended = false;
  private stopped = false;

  constructor(private readonly echo: (text: string) => void) {}

  /** Ctrl-C was pressed since the command began. */
  interrupted(): boolean {
    this.look();
    return this.stopped;
  }

  /** A command begins. */
  begin(): void {
    this.stopped = false;
    this.ended = false;
  }

  /** What was typed and that no command read: for the next prompt. */
  rest(): Buffer {
    const rest = Buffer.from([...this.ready.splice(0), ...this.line.splice(0), ...this.typed.splice(0)]);
    return rest;
  }

  take(count: number): Uint8Array | 'later' | 'end' {
    this.look();
    for (const byte of this.typed.splice(0)) this.edit(byte);
    if (this.ready.length > 0) return Uint8Array.from(this.ready.splice(0, count));
    if (this.ended) {
      this.ended = false;
      return 'end';
    }
    if (!this.stopped) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    return 'later';
  }

  close(): void {
    closeSync(this.fd);
  }

  /** What the terminal's line discipline would do, which raw mode leaves to us. */
  private edit(byte: number): void {
    if (byte === CTRL_D) {
      if (this.line.length === 0) this.ended = true;
      this.ready.push(...this.line.splice(0));
    } else if (byte === CTRL_U) {
      this.echo('\b \b'.repeat(Buffer.from(this.line.splice(0)).toString().length));
    } else if (BACKSPACE.includes(byte)) {
      if (this.line.length > 0) this.echo('\b \b');
      // A character may have several bytes.
      while (this.line.length > 0 && ((this.line.pop() as number) & 0xc0) === 0x80);
    } else {
      const shown = byte === 13 ? 10 : byte;
      this.line.push(shown);
      this.echo(Buffer.from([shown]).toString('latin1'));
      if (shown === 10) this.ready.push(...this.line.splice(0));
    }
  }

  private look(): void {
    for (;;) {
      const bytes = this.readNow();
      if (bytes.length === 0) return;
      for (const byte of bytes) {
        if (byte !== CTRL_C) {
          this.typed.push(byte);
          continue;
        }
        // As a terminal does with INTR, what was typed before is thrown away.
        this.typed = [];
        this.line = [];
        if (!this.stopped) this.echo('^C\n');
        this.stopped = true;
      }
    }
  }

  private readNow(): Buffer {
    try {
      return this.chunk.subarray(0, readSync(this.fd, this.chunk, 0, this.chunk.length, null));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return Buffer.alloc(0);
      throw error;
    }
  }
}
