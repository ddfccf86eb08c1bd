import { Listeners } from './listeners.js';
/** One record of the kernel log. */
export interface LogRecord {
  readonly sequence: number;
  /** Nanoseconds since boot. */
  readonly time: number;
  /** 0 (emerg) to 7 (debug). */
  readonly level: number;
  readonly text: string;
}

/** How urgent a record is: syslog's severities (RFC 5424, 6.2.1). */
export const LOGLEVEL_EMERG = 0;
export const LOGLEVEL_ALERT = 1;
export const LOGLEVEL_CRIT = 2;
export const LOGLEVEL_ERR = 3;
export const LOGLEVEL_WARNING = 4;
export const LOGLEVEL_NOTICE = 5;
export const LOGLEVEL_INFO = 6;
export const LOGLEVEL_DEBUG = 7;

/** Records that are kept at most; when there are more, the older half gives way, as in the kernel's ring. */
const CAPACITY = 100_000;
/** What a system's log has its own way with. */
export interface LogPolicy {
  /** Bytes of a record, with what the system puts before the text. */
  readonly recordBytes: number;
  /** Those of them that text logged as a whole line leaves free. */
  readonly reserved: number;
  /** Level of what is logged without one. */
  readonly defaultLevel: number;
}

/**
 * The kernel log. Text may arrive in pieces; a record is complete at a newline, or when somebody logs
 * something else. Until then nobody sees it. Listeners hear each complete line.
 */
export class KernelLog {
  private readonly kept: LogRecord[] = [];
  /** Records that had to give way: the sequence number of the first that is kept. */
  lost = 0;
  private pending: { level: number; text: string; readonly caller: number } | undefined;
  /** Whether a record of a level is kept. */
  passes: (level: number) => boolean = () => true;
  private readonly listeners = new Listeners<(record: LogRecord) => void>();

  constructor(
    private readonly policy: LogPolicy,
    private readonly now: () => number,
    /** Who logs now: what one began no other continues. */
    private readonly caller: () => number = () => 0,
  ) {}

  /** Calls `listener` with every line from now on, until the function that this gives is called. */
  onRecord(listener: (record: LogRecord) => void): () => void {
    return this.listeners.add(listener);
  }

  /**
   * Appends formatted text. Without a level it continues the caller's unfinished line if that has room for
   * `bytes` more, or starts one at the default level.
   */
  write(text: string, level: number | undefined, bytes = text.length): void {
    const ended = text.endsWith('\n');
    const body = ended ? text.slice(0, -1) : text;
    const caller = this.caller();
    const { pending } = this;
    const continued =
      level === undefined &&
      pending?.caller === caller &&
      pending.text.length + bytes <= this.policy.recordBytes;
    if (pending && continued) pending.text += body;
    else {
      this.flush();
      this.pending = { level: level ?? this.policy.defaultLevel, text: body, caller };
    }
    if (ended) this.flush();
  }

  /** Logs whole lines at a level. A longer one than a record is cut, and with its end its newline is lost. */
  line(text: string, level = LOGLEVEL_INFO): void {
    const most = this.policy.recordBytes - this.policy.reserved;
    this.flush();
    this.write(text.length < most ? `${text}\n` : text.slice(0, most), level);
  }

  /** As `line`, but for what was said so before: pr_*_once(). */
  once(text: string, level = LOGLEVEL_INFO): void {
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
    return this.from(sequence).map((record) => record.text);
  }

  private append(level: number, text: string): void {
    if (!this.passes(level)) return;
    const record = { sequence: this.next, time: this.now(), level, text };
    if (this.kept.length >= CAPACITY) this.lost += this.kept.splice(0, CAPACITY / 2).length;
    this.kept.push(record);
    for (const listener of this.listeners) listener(record);
  }
}
