const PREFIXES = ['', 'K', 'M', 'G', 'T', 'P', 'E'] as const;
/** A remainder from here on counts as a whole: what is left of 1,024 where 9.95 becomes 10. */
const DECIMAL_CUT = 973;

/**
 * A size as humanize_number(3) writes it with HN_AUTOSCALE, HN_DECIMAL and HN_NOSPACE: 1,024 to the next letter, a decimal where the
 * number is below ten. `room` is the size of the buffer, its NUL included.
 */
export function humanize(size: number, room: number): string {
  const most = 10 ** (room - 2);
  let quotient = size;
  let remainder = 0;
  let scale = 0;
  while (scale < PREFIXES.length - 1 && (quotient >= most || (quotient === most - 1 && remainder >= 512))) {
    remainder = quotient % 1024;
    quotient = Math.floor(quotient / 1024);
    scale++;
  }
  const prefix = PREFIXES[scale];
  if (scale > 0 && (quotient < 9 || (quotient === 9 && remainder < DECIMAL_CUT))) {
    const tenths = Math.floor((remainder * 10 + 512) / 1024);
    return `${quotient + Math.floor(tenths / 10)}.${tenths % 10}${prefix}`;
  }
  return `${quotient + Math.floor((remainder + 512) / 1024)}${prefix}`;
}
