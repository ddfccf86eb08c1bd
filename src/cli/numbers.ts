import { UsageError } from '../tools.js';

/** The number that an option is given. Throws UsageError for what is none, or smaller than `least`. */
export function wholeNumber(text: string, option: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
    throw new UsageError(`${option} ${text}: not a whole number from ${least} on`);
  return value;
}
