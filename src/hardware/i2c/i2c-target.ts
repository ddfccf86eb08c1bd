import type { InterruptLine } from '../interrupt-line.js';
import type { Surroundings } from '../surroundings.js';

/** What a chip answers on the bus: it takes the bytes, or it does not. */
export type Acknowledge = 'ack' | 'nak';

/** A chip as the bus sees it: what follows its address in one message. */
export interface I2cTarget {
  /** Bytes of a message to it; none where its address alone was called. */
  write(bytes: Uint8Array): Acknowledge;
  /** So many bytes of a message from it, or no acknowledgement of its address. */
  read(bytes: number): Uint8Array | 'nak';
  /** A block of SMBus: its length comes first, `more` bytes behind it (a packet error code). */
  readBlock(more: number): Uint8Array | 'nak';
}

/** A chip that was made. */
export interface I2cPart<D> extends I2cTarget {
  readonly device: D;
  powerOn(): void;
  powerOff(): void;
}

/** What a chip is soldered to besides the bus. */
export interface I2cPins {
  /** Its interrupt or alert pin is active, or not any more. */
  alert(active: boolean): void;
}

/** A model that can be plugged into an I2C bus. */
export interface I2cModel<D> {
  readonly bus: 'i2c';
  readonly name: string;
  /** What drivers call the chip in their tables of ids. */
  readonly type: string;
  /** Whether it has a pin that asks for attention, and the level of that which does. */
  readonly alert: 'low' | 'high' | undefined;
  /** Address of 7 bits that it is at where nobody says another. */
  readonly address: number | undefined;
  create(surroundings: Surroundings, pins: I2cPins): I2cPart<D>;
}

/** Longest block of SMBus. */
export const SMBUS_BLOCK_MAX = 32;

/** What models and tests have of every chip. */
export interface AlertPin {
  readonly alert: InterruptLine;
}
