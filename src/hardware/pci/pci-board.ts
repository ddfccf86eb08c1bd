import type { MsiMessage } from './config-space.js';
import type { PciFunction } from './pci.js';

/** Memory that drivers have mapped for devices. */
export interface MappedMemory {
  /** On the bus. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
}

/** What a machine gives a board of devices that run somewhere else. */
export interface BoardSurroundings {
  /** The machine's memory: addresses on the bus are offsets. */
  memory(): Uint8Array;
  /** What devices may access of it now. */
  mapped(): Iterable<MappedMemory>;
  /** An input of the interrupt controller. */
  line(input: number, level: boolean): void;
  message(message: MsiMessage): void;
}

/** A function of a board, and where it is. */
export interface BoardFunction extends PciFunction<unknown> {
  readonly slot: number;
  readonly number: number;
  /** Input of the interrupt controller that its pin is wired to; undefined where it has no pin. */
  readonly line: number | undefined;
}

/**
 * Devices that run by themselves, beside the machine and in real time, and are all plugged in at once: another process's, say. What they do comes in
 * when they are looked at.
 */
export interface PciBoard {
  readonly bus: 'pci-board';
  readonly name: string;
  start(surroundings: BoardSurroundings): readonly BoardFunction[];
  /** Inputs of the interrupt controller that it has, with the names that firmware has for their wires. */
  readonly lines: readonly { readonly input: number; readonly link: string }[];
  /** Looks what has happened. */
  poll(): void;
  /** Waits as long in real time, or until something happens: nanoseconds that it took. */
  wait(nanoseconds: number): { readonly waited: number; readonly happened: boolean };
  stop(): void;
}
