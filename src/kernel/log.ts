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

/** Records that are kept at most; when there are more, the older half gives way, as in the kernel's ring. */
const CAPACITY = 100_000;

/**
 * The kernel log. Text arrives in pieces (KERN_CONT); a record is complete at a newline. Listeners hear each
 * complete line.
 */
export class KernelLog {
  private readonly kept: LogRecord[] = [];
  /** Records that had to give way: the sequence number of the first that is kept. */
  lost = 0;
  private pending: { level: number; text: string } | undefined;
  private readonly listeners: ((record: LogRecord) => void)[] = [];

  constructor(private readonly now: () => number) {}

  onRecord(listener: (record: LogRecord) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Appends formatted text. `level` undefined is KERN_CONT: it continues an unfinished line, or starts one at
   * the default level.
   */
  write(text: string, level: number | undefined): void {
    if (level !== undefined || !this.pending) this.flush();
    const ended = text.endsWith('\n');
    const body = ended ? text.slice(0, -1) : text;
    if (this.pending && level === undefined) this.pending.text += body;
    else this.pending = { level: level ?? LOGLEVEL_DEFAULT, text: body };
    if (ended) this.flush();
  }

  /** Logs whole lines at a level. */
  line(text: string, level = 6): void {
    this.flush();
    this.write(`${text}\n`, level);
  }

  /** As `line`, but for what was said so before: pr_*_once(). */
  once(text: string, level = 6): void {
    if (this.saidOnce.has(text)) return;
    this.saidOnce.add(text);
    this.line(text, level);
  }

  private readonly saidOnce = new Set<string>();

  /** Completes a line that had no newline yet. */
  flush(): void {
    const { pending } = this;
    if (!pending) return;
    this.pending = undefined;
    for (const text of pending.text.split('\n')) this.append(pending.level, text);
  }

  /** Sequence number of the next record. */
  get next(): number {
    return this.lost + this.kept.length;
  }

  /** Complete records from a sequence number on, as far as they are kept. */
  from(sequence: number): readonly LogRecord[] {
    return this.kept.slice(Math.max(0, sequence - this.lost));
  }

  /** The record of that number, or the first after it that is kept. */
  at(sequence: number): LogRecord | undefined {
    return this.kept[Math.max(0, sequence - this.lost)];
  }

  /** Complete lines from a sequence number on. */
  linesFrom(sequence: number): string[] {
    this.flush();
    return this.from(sequence).map((record) => record.text);
  }

  private append(level: number, text: string): void {
    const record = { sequence: this.next, time: this.now(), level, text };
    if (this.kept.length >= CAPACITY) this.lost += this.kept.splice(0, CAPACITY / 2).length;
    this.kept.push(record);
    for (const listener of this.listeners) listener(record);
  }
}
