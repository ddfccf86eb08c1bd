/** Fused multiply-add: one rounding, to nearest, of an exact result (IEEE 754, fusedMultiplyAdd). */

interface Format {
  readonly precision: number;
  /** Exponent of the smallest normal number. */
  readonly least: number;
}

const SINGLE: Format = { precision: 24, least: -126 };
const DOUBLE: Format = { precision: 53, least: -1022 };

interface Exact {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const view = new DataView(new ArrayBuffer(8));

/** A finite number as an integer times a power of two. */
function exact(value: number): Exact {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const magnitude = exponent === 0 ? fraction : fraction | 0x10_0000_0000_0000n;
  return { mantissa: value < 0 ? -magnitude : magnitude, exponent: Math.max(exponent, 1) - 1075 };
}

function round({ mantissa, exponent }: Exact, { precision, least }: Format): number {
  const magnitude = mantissa < 0n ? -mantissa : mantissa;
  const length = magnitude.toString(2).length;
  // Bits below the last place of the result, which is a fixed one for subnormal numbers.
  const drop = BigInt(Math.max(0, length - precision, least - precision + 1 - exponent));
  const kept = magnitude >> drop;
  const rest = magnitude - (kept << drop);
  const half = drop > 0n ? 1n << (drop - 1n) : 0n;
  const up = drop > 0n && (rest > half || (rest === half && (kept & 1n) === 1n));
  const scale = exponent + Number(drop);
  // In two steps: the power alone may be out of range.
  const result =
    Number(kept + (up ? 1n : 0n)) * 2 ** Math.trunc(scale / 2) * 2 ** (scale - Math.trunc(scale / 2));
  return mantissa < 0n ? -result : result;
}

/** x * y + z. */
export function fusedMultiplyAdd(x: number, y: number, z: number, single: boolean): number {
  if (!Number.isFinite(x) || !Number.isFinite(y) || !Number.isFinite(z)) return x * y + z;
  const [a, b, c] = [exact(x), exact(y), exact(z)];
  const product = { mantissa: a.mantissa * b.mantissa, exponent: a.exponent + b.exponent };
  if (product.mantissa === 0n) return x * y + z;
  const exponent = Math.min(product.exponent, c.exponent);
  const mantissa =
    (product.mantissa << BigInt(product.exponent - exponent)) + (c.mantissa << BigInt(c.exponent - exponent));
  if (mantissa === 0n) return 0;
  return round({ mantissa, exponent }, single ? SINGLE : DOUBLE);
}
