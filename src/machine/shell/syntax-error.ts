/** A script that cannot be read. */
export class ShellSyntaxError extends Error {
  override readonly name = 'ShellSyntaxError';

  constructor(
    message: string,
    /** Offset in the script. */
    readonly offset: number,
  ) {
    super(message);
  }
}
