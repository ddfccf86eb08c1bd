/** termios, as far as the discipline goes by it (sys/sys/_termios.h). */
export interface Modes {
  readonly iflag: number;
  readonly oflag: number;
  readonly lflag: number;
  /** c_cc. */
  readonly characters: Uint8Array;
}

/** Values of the flags that are looked at: the target's. */
export type FlagOf = (name: string) => number;

/** Bytes that an input queue takes before it says no (TTYBUF_MAX is 65,536 of both). */
export const DISCIPLINE_BYTES = 65_536;
/** _POSIX_VDISABLE: a control character that is none. */
const DISABLED = 0xff;
const TAB = 8;

/**
 * The terminal line discipline (sys/kern/tty_ttydisc.c): what comes in is edited and echoed, what goes out is processed. Signals go to
 * nobody, and flow control by characters is not done.
 */
export class LineDiscipline {
  /** Bytes that can be read: with ICANON those of whole lines. */
  private readonly input: number[] = [];
  /** How many bytes of `input` are of whole lines. */
  private whole = 0;
  private readonly output: number[] = [];
  private column = 0;
  private literal = false;

  constructor(
    private readonly flagOf: FlagOf,
    private readonly modes: () => Modes,
  ) {}

  private has(word: 'iflag' | 'oflag' | 'lflag', name: string): boolean {
    return (this.modes()[word] & this.flagOf(name)) !== 0;
  }

  private is(byte: number, name: string): boolean {
    const wanted = this.modes().characters[this.flagOf(name)];
    return byte === wanted && wanted !== DISABLED;
  }

  /** ttydisc_rint(): false where there is no room. */
  receive(byte: number): boolean {
    let c = byte & 0xff;
    if (this.has('iflag', 'ISTRIP')) c &= 0x7f;
    if (this.literal) {
      this.literal = false;
      return this.store(c, true);
    }
    if (this.has('lflag', 'ICANON') && this.has('lflag', 'IEXTEN') && this.is(c, 'VLNEXT')) {
      this.literal = true;
      return true;
    }
    if (c === 13) {
      if (this.has('iflag', 'IGNCR')) return true;
      if (this.has('iflag', 'ICRNL')) c = 10;
    } else if (c === 10 && this.has('iflag', 'INLCR')) c = 13;
    if (this.has('lflag', 'ICANON') && this.edit(c)) return true;
    return this.store(c, false);
  }

  /** Control characters that change the line that is being typed; true for one of these. */
  private edit(c: number): boolean {
    if (this.is(c, 'VERASE') || this.is(c, 'VERASE2')) {
      if (this.input.length > this.whole) {
        this.input.pop();
        if (this.has('lflag', 'ECHO') && this.has('lflag', 'ECHOE'))
          for (const out of [8, 32, 8]) this.echo(out);
      }
      return true;
    }
    if (this.is(c, 'VKILL')) {
      this.input.length = this.whole;
      if (this.has('lflag', 'ECHO') && this.has('lflag', 'ECHOK')) this.echo(10);
      return true;
    }
    if (this.is(c, 'VEOF')) {
      // What was typed so far can be read; nothing of it, which is the end of the file, where nothing was.
      this.ends.push(this.input.length);
      this.whole = this.input.length;
      return true;
    }
    return false;
  }

  /** Where VEOF stood: a read ends there. */
  private readonly ends: number[] = [];

  private store(c: number, quoted: boolean): boolean {
    if (this.input.length >= DISCIPLINE_BYTES) return false;
    this.input.push(c);
    const canonical = this.has('lflag', 'ICANON');
    const ends = !quoted && (c === 10 || this.is(c, 'VEOL') || this.is(c, 'VEOL2'));
    if (!canonical || ends) this.whole = this.input.length;
    const echoes = this.has('lflag', 'ECHO') || (c === 10 && this.has('lflag', 'ECHONL') && canonical);
    if (echoes) this.echoInput(c);
    return true;
  }

  /** Control characters are shown as ^X. */
  private echoInput(c: number): void {
    if (c < 32 && c !== 9 && c !== 10 && this.has('lflag', 'ECHOCTL')) {
      this.echo(94);
      this.echo(c + 64);
    } else this.echo(c);
  }

  private echo(c: number): void {
    this.send(Uint8Array.of(c));
  }

  /** Room for input: ttydisc_rint_poll(). */
  get room(): number {
    return DISCIPLINE_BYTES - this.input.length;
  }

  /** Whether a read has something to give, be it the end of the file. */
  get readable(): boolean {
    return this.whole > 0 || this.ends.length > 0;
  }

  /** At most `count` bytes, and with ICANON no more than a line; empty at the end of the file. */
  take(count: number): Uint8Array {
    const end = this.ends[0] ?? Number.POSITIVE_INFINITY;
    let size = Math.min(count, this.whole, end);
    if (this.has('lflag', 'ICANON')) {
      const newline = this.input.indexOf(10);
      if (newline >= 0) size = Math.min(size, newline + 1);
    }
    const bytes = Uint8Array.from(this.input.splice(0, size));
    this.whole -= size;
    this.ends.forEach((_, i) => {
      this.ends[i] -= size;
    });
    if (this.ends[0] === 0) this.ends.shift();
    return bytes;
  }

  /** Processed output; how many of the bytes there was room for. */
  send(bytes: Uint8Array): number {
    let done = 0;
    for (const byte of bytes) {
      if (this.output.length + TAB > DISCIPLINE_BYTES) break;
      this.process(byte);
      done++;
    }
    return done;
  }

  private process(byte: number): void {
    if (!this.has('oflag', 'OPOST')) {
      this.output.push(byte);
      return;
    }
    if (byte === 4 && this.has('oflag', 'ONOEOT')) return;
    if (byte === 9 && this.has('oflag', 'TAB3')) {
      const spaces = TAB - (this.column % TAB);
      for (let i = 0; i < spaces; i++) this.output.push(32);
      this.column += spaces;
      return;
    }
    if (byte === 10 && this.has('oflag', 'ONLCR')) this.output.push(13);
    this.output.push(byte);
    this.column = byte === 10 || byte === 13 ? 0 : this.column + 1;
  }

  /** What the driver sends: ttydisc_getc(). */
  drain(count: number): Uint8Array {
    return Uint8Array.from(this.output.splice(0, count));
  }

  get pending(): number {
    return this.output.length;
  }

  /** Bytes that a read can take now (FIONREAD). */
  get canTake(): number {
    return this.whole;
  }

  flush(): void {
    this.flushInput();
    this.flushOutput();
  }

  flushInput(): void {
    this.input.length = 0;
    this.ends.length = 0;
    this.whole = 0;
  }

  flushOutput(): void {
    this.output.length = 0;
  }
}
