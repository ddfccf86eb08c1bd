/** One record of the kernel log, as /dev/kmsg gives it. */
export interface LogRecord {
  readonly sequence: number;
  /** Nanoseconds since boot. */
  readonly time: number;
  /** 0 (emerg) to 7 (debug). */
  readonly level: number;
  readonly text: string;
}

export const LOGLEVEL_DEFAULT = 4;

/** Bytes of a record: 1024 less room for a console's prefix (LOG_LINE_MAX, kernel/printk/printk.c). */
export const RECORD_MAX = 1024 - 32;
/** Characters of a line in it, besides the two of its level and a NUL. */
const LINE_MAX = RECORD_MAX - 3;

/**
 * The kernel log. Text arrives in pieces (KERN_CONT); a record is complete at a newline, or when somebody logs
 * something else. Until then nobody sees it, as in the kernel. Listeners hear each complete line.
 */
export class KernelLog {
  readonly records: LogRecord[] = [];
  private pending: { level: number; text: string; readonly caller: number } | undefined;
  private readonly listeners: ((record: LogRecord) => void)[] = [];

  constructor(
    private readonly now: () => number,
    /** Who logs now: what one began no other continues. */
    private readonly caller: () => number = () => 0,
  ) {}

  onRecord(listener: (record: LogRecord) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Appends formatted text. `level` undefined is KERN_CONT: it continues the caller's unfinished line if that has room for
   * `bytes` more, or starts one at the default level.
   */
  write(text: string, level: number | undefined, bytes = text.length): void {
    const ended = text.endsWith('\n');
    const body = ended ? text.slice(0, -1) : text;
    const caller = this.caller();
    const { pending } = this;
    const continued =
      level === undefined && pending?.caller === caller && pending.text.length + bytes <= RECORD_MAX;
    if (pending && continued) pending.text += body;
    else {
      this.flush();
      this.pending = { level: level ?? LOGLEVEL_DEFAULT, text: body, caller };
    }
    if (ended) this.flush();
  }

  /** Logs whole lines at a level. A longer one than a record is cut, and with its end its newline is lost. */
  line(text: string, level = 6): void {
    this.flush();
    this.write(text.length < LINE_MAX ? `${text}\n` : text.slice(0, LINE_MAX), level);
  }

  /** Completes a line that had no newline yet. */
  flush(): void {
    const { pending } = this;
    if (!pending) return;
    this.pending = undefined;
    for (const text of pending.text.split('\n')) this.append(pending.level, text);
  }

  /** Complete lines from a sequence number on. */
  linesFrom(sequence: number): string[] {
    return this.records.slice(sequence).map((record) => record.text);
  }

  private append(level: number, text: string): void {
    const record = { sequence: this.records.length, time: this.now(), level, text };
    this.records.push(record);
    for (const listener of this.listeners) listener(record);
  }
}
