/** What kldxref of a branch does in its own way. */
export interface Edition {
  /** Longest name that it reads. */
  readonly nameLimit: number;
  /** Longer names are cut there; else the file counts as damaged. */
  readonly cutsNames: boolean;
  /** The first module of a file comes first, and there is no other; else all, in the order of the file. */
  readonly oneModule: boolean;
  /** Tables of devices are written, and checked against the architecture of the first file. */
  readonly pnp: boolean;
  readonly maxRecord: number;
  /** Which files are looked at. */
  readonly takes: (name: string) => boolean;
}

/** FreeBSD 14. */
export const EDITION_14: Edition = {
  nameLimit: 1024,
  cutsNames: false,
  oneModule: true,
  pnp: true,
  maxRecord: 64 << 10,
  takes: (name) => !name.includes('.') || name.endsWith('.ko'),
};

/** FreeBSD 10. */
export const EDITION_10: Edition = {
  nameLimit: 32,
  cutsNames: true,
  oneModule: false,
  pnp: false,
  maxRecord: 1024,
  takes: (name) => !name.endsWith('.symbols'),
};
