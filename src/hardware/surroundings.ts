/** Virtual time as devices use it. */
export interface DeviceClock {
  /** Nanoseconds since the machine was switched on. */
  readonly now: number;
  /** Calls `ring` at a time; gives what stops that. */
  at(time: number, ring: () => void): () => void;
}

/** What a machine gives a device that is plugged into it. */
export interface Surroundings {
  readonly clock: DeviceClock;
  /** The driver's function that accesses the device at the moment: `esb_probe+0x1a2 [i6300esb]`. */
  caller(): string;
  /** A device writes to memory, or reads it, by addresses on its bus. */
  readonly dma: Dma;
  /** The device was told to do what it cannot: `accesses memory while bus mastering is off`. */
  complain(what: string): void;
}

/** Memory as a device reaches it. What the bus does not let it reads as all ones, and what it writes there is lost: the machine reports it. */
export interface Dma {
  read(address: number | bigint, bytes: number): Uint8Array;
  write(address: number | bigint, content: Uint8Array): void;
}
