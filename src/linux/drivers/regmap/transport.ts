import type { Sleepable } from '../../../kernel/effects.js';
import type { Order } from './format.js';

/** How a register map gets to its device. Errors are negative error numbers. */
export interface Transport {
  /** Bytes both ways: a message to the device, and one from it. Undefined where registers are accessed one by one. */
  readonly raw: RawTransport | undefined;
  /** One register, where the bus knows what that is. */
  readonly single: SingleTransport | undefined;
  /** Changes bits at once, where the bus can: only volatile registers are changed so. */
  readonly updateBits?: (register: number, mask: number, value: number) => Sleepable<number>;
  readonly registerOrder: Order | undefined;
  readonly valueOrder: Order | undefined;
  readonly readMask: number;
  /** Most bytes of values in one message; 0: as many as one likes. */
  readonly maxRead: number;
  readonly maxWrite: number;
  /** Accesses do not sleep. */
  readonly isFast: boolean;
  free(): undefined | Sleepable<void>;
}

export interface RawTransport {
  /** `header`: register and padding. */
  write(header: readonly number[], values: Uint8Array): Sleepable<number>;
  read(header: readonly number[], bytes: number): Sleepable<Uint8Array | number>;
}

export interface SingleTransport {
  read(register: number): Result | Sleepable<Result>;
  write(register: number, value: number): Sleepable<number>;
}

/** A value, or a negative error number. */
export type Result = { readonly value: number } | { readonly error: number };
