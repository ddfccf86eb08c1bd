const DECIMAL_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

/** Half of the last digit shown, in thousandths, by the number of digits after the point. */
const ROUNDING = [500, 50, 5];

/** string_get_size(): `count` blocks with three significant digits, as "16.0 GiB" or "8.59 GB". */
export function sizeText(count: bigint, blockSize: bigint, binary: boolean): string {
  const units = binary ? BINARY_UNITS : DECIMAL_UNITS;
  const divisor = binary ? 1024n : 1000n;
  let bytes = count * blockSize;
  if (bytes === 0n) return `0 ${units[0]}`;
  let unit = 0;
  let remainder = 0n;
  while (bytes >= divisor) {
    remainder = bytes % divisor;
    bytes /= divisor;
    unit++;
  }
  const places = bytes >= 100n ? 0 : bytes >= 10n ? 1 : 2;
  let thousandths = Number(binary ? (remainder * 1000n) >> 10n : remainder) + ROUNDING[places];
  if (thousandths >= 1000) {
    thousandths -= 1000;
    bytes += 1n;
  }
  const fraction = places === 0 ? '' : `.${`${thousandths}`.padStart(3, '0').slice(0, places)}`;
  return `${bytes}${fraction} ${units[unit] ?? 'UNK'}`;
}
