import type { LogLevel } from '../tools/log.js';

/** What depmod says: a line of its log, or (with -v) of its output. */
export interface Message {
  readonly level: LogLevel | 'shown';
  /** Ends in a newline. */
  readonly text: string;
}

/** Takes what is said; what a fatal message leads to is up to who takes it. */
export type Say = (level: Message['level'], text: string) => void;

/** For those who want the index and not what depmod would have said. */
export const saysNothing: Say = () => {};

/** Where kmod's depmod ends with a status of 1, having said why. */
export class DepmodFailure extends Error {
  override readonly name = 'DepmodFailure';
}
