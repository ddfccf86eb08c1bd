/** A module was refused: the errno that finit_module gives. Log lines were written already. */
export class LoadError extends Error {
  override readonly name = 'LoadError';

  constructor(
    /** Positive error number. */
    readonly errno: number,
    message: string,
  ) {
    super(message);
  }
}
