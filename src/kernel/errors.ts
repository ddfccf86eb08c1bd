/** The machine has no memory left for something that its kernel cannot do without. */
export class OutOfMemory extends Error {
  override readonly name = 'OutOfMemory';
}

/** Guest code called an exported function that this base kernel does not implement. */
export class Unimplemented extends Error {
  override readonly name = 'Unimplemented';

  constructor(
    readonly symbol: string,
    /** C declaration from the system's types, or '' where it has none. */
    readonly prototype: string,
    /** Why the system's own code does not do it either, as a clause; '' where nobody asked. */
    readonly why = '',
  ) {
    super(`${symbol} is not implemented${why && `: ${why}`}`);
  }
}
