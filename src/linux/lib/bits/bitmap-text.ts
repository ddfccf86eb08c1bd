import { EINVAL, EOVERFLOW, ERANGE } from '../../errno.js';

/** Bits that a text sets, or a negative error number. */
export type ParsedBits = readonly number[] | number;

/** bitmap_parse(): groups of up to eight hexadecimal digits, separated by commas, most significant first. */
export function parseGroups(text: string, bits: number): ParsedBits {
  const line = text.split('\n')[0].replace(/^[ \t]+|[ \t]+$/g, '');
  if (!/^[0-9a-fA-F, \t]+$/.test(line)) return -EINVAL;
  const groups = line.split(/[, \t]+/).reverse();
  const set: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (!/^[0-9a-fA-F]{1,}$/.test(group)) return -EINVAL;
    if (group.length > 8) return -EOVERFLOW;
    const word = Number.parseInt(group, 16);
    for (let bit = 0; bit < 32; bit++) {
      if (!((word >>> bit) & 1)) continue;
      if (index * 32 + bit >= bits) return -EOVERFLOW;
      set.push(index * 32 + bit);
    }
  }
  return set;
}

/**
 * bitmap_parselist(): `0-3,8`, `0-31:2/8` for the first two of every eight, `N` for the last bit, `all`.
 */
export function parseRanges(text: string, bits: number): ParsedBits {
  const set: number[] = [];
  for (const region of rangesOf(text)) {
    const result = parseRange(region, bits);
    if (typeof result === 'number') return result;
    set.push(...result);
  }
  return set;
}

/** The regions that a list names. */
export function rangesOf(text: string): string[] {
  return text
    .split('\n')[0]
    .split(/[,\s]+/)
    .filter((region) => region !== '');
}

export function parseRange(region: string, bits: number): ParsedBits {
  const match = /^(all|[0-9]+|N)(?:-([0-9]+|N))?(?::([0-9]+)\/([0-9]+))?$/i.exec(region);
  if (!match || (match[1].toLowerCase() === 'all' && match[2] !== undefined)) return -EINVAL;
  const number = (text: string): number => (text === 'N' ? bits - 1 : Number(text));
  const isAll = match[1].toLowerCase() === 'all';
  const start = isAll ? 0 : number(match[1]);
  const end = isAll ? bits - 1 : match[2] === undefined ? start : number(match[2]);
  const used = match[3] === undefined ? end + 1 : Number(match[3]);
  const group = match[4] === undefined ? end + 1 : Number(match[4]);
  if (match[3] !== undefined && match[2] === undefined && !isAll) return -EINVAL;
  if (start > end || group === 0 || used > group) return -EINVAL;
  if (end >= bits) return -ERANGE;
  const set: number[] = [];
  for (let at = start; at <= end; at += group)
    for (let bit = at; bit < Math.min(at + used, end + 1); bit++) set.push(bit);
  return set;
}
