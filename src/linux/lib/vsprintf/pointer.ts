import { Unimplemented } from '../../../kernel/errors.js';
import { formatBitmap, formatEscaped, formatFourcc, formatHexDump, formatUuid } from './bytes.js';
import { badPointer, type FormatContext, isErrorValue, type SymbolStyle } from './context.js';
import { errname } from './errname.js';
import { formatFlags } from './flags.js';
import { formatBlockDevice, formatClock, formatDentry, formatFile } from './names.js';
import { formatIp, formatMac } from './network.js';
import { formatNumber } from './number.js';
import { formatResource } from './resource.js';
import { hexOfBytes, type Spec } from './spec.js';
import { formatError, formatString, formatText, POINTER_DIGITS } from './text.js';
import { formatTime } from './time.js';

/** A %p extension on memory that check_pointer let through. */
type Extension = (context: FormatContext, ptr: number, spec: Spec, letters: string) => string;

const EXTENSIONS: Readonly<Record<string, Extension>> = {
  R: formatResource,
  r: formatResource,
  h: (context, ptr, spec, letters) => formatHexDump(context.space, ptr, spec, letters),
  b: (context, ptr, spec, letters) => formatBitmap(context.space, ptr, spec, letters),
  M: (context, ptr, spec, letters) => formatMac(context.space, ptr, spec, letters),
  m: (context, ptr, spec, letters) => formatMac(context.space, ptr, spec, letters),
  I: formatIp,
  i: formatIp,
  E: (context, ptr, spec, letters) => formatEscaped(context.space, ptr, spec, letters),
  U: (context, ptr, spec, letters) => formatUuid(context.space, ptr, spec, letters),
  N: (context, ptr, spec, letters) =>
    letters[1] === 'F' ? formatNumber(context.space.load64(ptr), hexOfBytes(8)) : formatError('(%pN?)', spec),
  '4': (context, ptr, spec, letters) => formatFourcc(context.space, ptr, spec, letters),
  a: (context, ptr) => formatNumber(context.space.load64(ptr), hexOfBytes(8)),
  d: formatDentry,
  D: formatFile,
  t: formatTime,
  g: formatBlockDevice,
  G: formatFlags,
};

/** %p and everything that may follow it. `letters` are the letters and digits after the p. */
export function formatPointer(context: FormatContext, address: bigint, spec: Spec, letters: string): string {
  const letter = letters[0] ?? '';
  switch (letter) {
    case 'S':
    case 's':
    case 'B':
      return formatText(context.symbol(address, letter as SymbolStyle), spec);
    case 'x':
      return plainPointer(address, spec);
    case 'e':
      return isErrorValue(address)
        ? formatErrorPointer(address, spec)
        : hashedPointer(context, address, spec);
    case 'u':
    case 'k':
      return letters[1] === 's' ? formatString(context, address, spec) : formatError('(einval)', spec);
    case 'A':
      context.warnOnce('Please remove %pA from non-Rust code\n');
      return formatError('(%pA?)', spec);
    case 'O':
      return letters[1] === 'F' && context.option('CONFIG_OF') === undefined
        ? formatError('(%pOF?)', spec)
        : formatError('(%pO?)', spec);
    case 'f':
      if (letters[1] !== 'w') return formatError('(%pf?)', spec);
      throw new Unimplemented('%pfw', '');
    case 'C':
      return clock(context, address, spec);
  }
  const extension = EXTENSIONS[letter];
  if (!extension) return hashedPointer(context, address, spec);
  if (spec.width === 0 && (letter === 'h' || letter === 'E')) return '';
  const bad = badPointer(address);
  if (bad !== undefined) return formatError(bad, spec);
  return extension(context, context.space.fromAddress(address), spec, letters);
}

function clock(context: FormatContext, address: bigint, spec: Spec): string {
  if (context.option('CONFIG_HAVE_CLK') === undefined) return formatError('(%pC?)', spec);
  const bad = badPointer(address);
  if (bad !== undefined) return formatError(bad, spec);
  if (context.option('CONFIG_COMMON_CLK') === undefined) return hashedPointer(context, address, spec);
  return formatClock(context, context.space.fromAddress(address), spec);
}

/** 16 hexadecimal digits, unless a width was given. */
function plainPointer(address: bigint, spec: Spec): string {
  const number: Spec = { ...spec, base: 16, lower: true };
  if (spec.width >= 0) return formatNumber(address, number);
  return formatNumber(address, { ...number, width: POINTER_DIGITS + (spec.prefix ? 2 : 0), zeroPad: true });
}

/** %p: NULL and error pointers as they are, anything else hashed. */
function hashedPointer(context: FormatContext, address: bigint, spec: Spec): string {
  if (address === 0n || isErrorValue(address)) return plainPointer(address, spec);
  return plainPointer(context.hashPointer(address), spec);
}

/** %pe: `-ENOENT`, or the number of an error that has no name. */
function formatErrorPointer(address: bigint, spec: Spec): string {
  const error = BigInt.asIntN(64, address);
  const name = errname(-Number(error));
  if (name !== undefined) return formatText(`-${name}`, spec);
  return formatNumber(error, { ...spec, signed: true, base: 10 });
}
