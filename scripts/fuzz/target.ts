/** Something that reads what may come from anybody: a format, or the machine that runs a module. */
export interface FuzzTarget {
  readonly name: string;
  /** Good inputs, by name, that damaged copies are made of, with the places where most of the damage goes. */
  seeds(): readonly Seed[];
  /** Throws where the reader did what it must not do. That it refuses the input is no finding. */
  run(bytes: Uint8Array): void;
}

export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Pairs of start and length; the whole where nothing is said. */
  readonly regions?: readonly (readonly [start: number, length: number])[];
}
