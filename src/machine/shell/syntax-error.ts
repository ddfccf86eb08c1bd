/** A script that cannot be read. */
export class ShellSyntaxError extends Error {
  override readonly name = 'ShellSyntaxError';

  constructor(
    message: string,
    /** Offset in the script. */
    readonly offset: number,
    /** More text could make it right: it ends too early. */
    readonly incomplete = false,
  ) {
    super(message);
  }

  /** `line 3: syntax error: ...`, for the script that was read. */
  describe(script: string): string {
    return `line ${script.slice(0, this.offset).split('\n').length}: ${this.message}`;
  }
}
