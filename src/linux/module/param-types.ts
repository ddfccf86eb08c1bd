import { ERANGE } from '../errno.js';
import { type IntegerType, parseInteger } from '../lib/string/kstrtox.js';

/** An integer parameter: `hex` is how it is shown, not how it is read. */
export interface ParamInteger extends IntegerType {
  readonly hex?: boolean;
}

/** Integer parameter types, by the name in `param_ops_NAME` (include/linux/moduleparam.h). */
export const PARAM_INTEGERS: Readonly<Record<string, ParamInteger>> = {
  byte: { bits: 8, signed: false },
  short: { bits: 16, signed: true },
  ushort: { bits: 16, signed: false },
  int: { bits: 32, signed: true },
  uint: { bits: 32, signed: false },
  long: { bits: 64, signed: true },
  ulong: { bits: 64, signed: false },
  ullong: { bits: 64, signed: false },
  hexint: { bits: 32, signed: false, hex: true },
};

/** Longest text of a charp parameter (kernel/params.c). */
export const CHARP_LIMIT = 1024;

/** The error that an integer parameter's value gets; undefined where it is taken. */
export function integerRefusal(text: string, type: ParamInteger): 'EINVAL' | 'ERANGE' | undefined {
  const parsed = parseInteger(text, 0, type);
  if (!('error' in parsed)) return undefined;
  return parsed.error === -ERANGE ? 'ERANGE' : 'EINVAL';
}
