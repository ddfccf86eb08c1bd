/** Bytes of what geom(8) and mdconfig(8) take for a size: expand_number(3), where no letter means `unit` bytes. Undefined for none. */
export function sizeOf(text: string, unit = 1): number | undefined {
  const match = /^(-?)(0x[0-9a-f]+|\d+)([bkmgtp]?)$/i.exec(text);
  if (!match) return undefined;
  const [, sign, digits, letter] = match;
  const factor = letter === '' ? unit : 1024 ** 'bkmgtp'.indexOf(letter.toLowerCase());
  return (sign === '-' ? -1 : 1) * Number(digits) * factor;
}

/** A size as people read it: humanize_number(3) with HN_DECIMAL in five characters. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let at = 0;
  while (value >= 1000 && at < UNITS.length - 1) {
    value /= 1024;
    at++;
  }
  const text = at > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value));
  return `${text}${UNITS[at]}`;
}

const UNITS = ['B', 'K', 'M', 'G', 'T', 'P'];
