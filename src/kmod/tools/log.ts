/** Levels of syslog(3) that kmod's tools use, with the names that they print. */
export const LOG = { emerg: 0, fatal: 2, error: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;

export type LogLevel = Exclude<keyof typeof LOG, 'emerg'>;

const NAMES: Readonly<Record<LogLevel, string>> = {
  fatal: 'FATAL',
  error: 'ERROR',
  warning: 'WARNING',
  notice: 'NOTICE',
  info: 'INFO',
  debug: 'DEBUG',
};

/** What a tool says on stderr: `modprobe: ERROR: ...`, up to a level of importance. */
export class ToolLog {
  constructor(
    private readonly program: string,
    private readonly write: (text: string) => void,
    /** Only what is at least as important is written; see {@link LOG}. */
    public priority: number,
  ) {}

  /**
   * `text` ends in a newline. Saying something fatal ends the tool with status 1 ({@link ToolExit}), but only
   * where it is said: `-q` goes on.
   */
  say(level: LogLevel, text: string): void {
    if (LOG[level] > this.priority) return;
    this.write(`${this.program}: ${NAMES[level]}: ${text}`);
    if (level === 'fatal') throw new ToolExit(1);
  }

  fatal(text: string): void {
    this.say('fatal', text);
  }

  error(text: string): void {
    this.say('error', text);
  }

  warning(text: string): void {
    this.say('warning', text);
  }

  info(text: string): void {
    this.say('info', text);
  }
}

/** exit(3) from the middle of a tool. */
export class ToolExit extends Error {
  override readonly name = 'ToolExit';

  constructor(readonly status: number) {
    super(`exit ${status}`);
  }
}
