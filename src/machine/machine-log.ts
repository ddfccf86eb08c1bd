import type { KernelLog, LogRecord } from '../kernel/log.js';

/** A machine's kernel log, to read. A line that nobody has ended yet is not in it. */
export class MachineLog {
  constructor(private readonly log: KernelLog) {}

  /** What is kept of it. */
  get records(): readonly LogRecord[] {
    return this.log.from(0);
  }

  /** Its texts. */
  get lines(): readonly string[] {
    return this.log.linesFrom(0);
  }

  /** The sequence number that the next record will have: a mark for {@link since}. */
  get mark(): number {
    return this.log.next;
  }

  /** The records from a mark on. */
  since(mark: number): readonly LogRecord[] {
    return this.log.from(mark);
  }

  /** The texts from a mark on. */
  linesSince(mark: number): readonly string[] {
    return this.log.linesFrom(mark);
  }
}
