const BAR = 30;
/** Nothing is shown of work that is done sooner. */
const DELAY_MS = 1000;

/** A progress bar on stderr, where that is a terminal. */
export class Progress {
  private readonly started = Date.now();
  private shown = false;

  constructor(
    private readonly total: number,
    private done: number,
  ) {}

  step(name: string): void {
    this.done++;
    if (!process.stderr.isTTY || Date.now() - this.started < DELAY_MS) return;
    this.shown = true;
    const filled = Math.round((BAR * this.done) / Math.max(this.total, 1));
    const bar = '#'.repeat(filled) + '.'.repeat(BAR - filled);
    process.stderr.write(`\r[${bar}] ${this.done}/${this.total} ${name.slice(-30).padEnd(30)}`);
  }

  end(): void {
    if (this.shown) process.stderr.write('\n');
  }
}
