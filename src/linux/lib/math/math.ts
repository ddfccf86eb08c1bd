import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Integer mathematics (lib/math). */
export class IntegerMath implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    int_sqrt: (x: bigint) => squareRoot(x),
    int_pow: (base: bigint, exponent: number) => BigInt.asUintN(64, base ** BigInt(exponent)),
    gcd: (a: bigint, b: bigint) => greatestDivisor(a, b),
    lcm: (a: bigint, b: bigint) => leastMultiple(a, b),
    lcm_not_zero: (a: bigint, b: bigint) => leastMultiple(a, b) || b || a,
    iter_div_u64_rem: (dividend: bigint, divisor: number, remainder: Ptr) => {
      this.k.space.store64(remainder, dividend % BigInt(divisor));
      return Number(BigInt.asUintN(32, dividend / BigInt(divisor)));
    },
    rational_best_approximation: (
      numerator: bigint,
      denominator: bigint,
      maxNumerator: bigint,
      maxDenominator: bigint,
      outNumerator: Ptr,
      outDenominator: Ptr,
    ) => {
      const [n, d] = bestApproximation(numerator, denominator, maxNumerator, maxDenominator);
      this.k.space.store64(outNumerator, n);
      this.k.space.store64(outDenominator, d);
    },
    reciprocal_value: (divisor: number) => reciprocal(divisor),
    intlog2: (value: number) => (value === 0 ? 0 : Math.floor(Math.log2(value) * 2 ** 24)),
    intlog10: (value: number) => (value === 0 ? 0 : Math.floor(Math.log10(value) * 2 ** 24)),
  };

  readonly signatures = {
    int_sqrt: 'Q:Q',
    int_pow: 'Q:Qu',
    gcd: 'Q:QQ',
    lcm: 'Q:QQ',
    lcm_not_zero: 'Q:QQ',
    iter_div_u64_rem: 'u:Qup',
    rational_best_approximation: 'v:QQQQpp',
    reciprocal_value: 'Q:u',
  };
}

export function squareRoot(x: bigint): bigint {
  if (x < 2n) return x;
  let guess = BigInt(Math.floor(Math.sqrt(Number(x))));
  while (guess * guess > x) guess--;
  while ((guess + 1n) * (guess + 1n) <= x) guess++;
  return guess;
}

export function greatestDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function leastMultiple(a: bigint, b: bigint): bigint {
  return a && b ? BigInt.asUintN(64, (a / greatestDivisor(a, b)) * b) : 0n;
}

/** The closest fraction within limits, by continued fractions and the best semiconvergent at the end. */
export function bestApproximation(
  numerator: bigint,
  denominator: bigint,
  maxNumerator: bigint,
  maxDenominator: bigint,
): readonly [bigint, bigint] {
  let [n, d] = [numerator, denominator];
  let [n0, d0, n1, d1] = [0n, 1n, 1n, 0n];
  while (d !== 0n) {
    const quotient = n / d;
    const previous = d;
    [n, d] = [d, n % d];
    const n2 = n0 + quotient * n1;
    const d2 = d0 + quotient * d1;
    if (n2 > maxNumerator || d2 > maxDenominator) {
      let t = (1n << 64n) - 1n;
      if (d1 !== 0n) t = (maxDenominator - d0) / d1;
      if (n1 !== 0n && (maxNumerator - n0) / n1 < t) t = (maxNumerator - n0) / n1;
      const isCloser = 2n * t > quotient || (2n * t === quotient && d0 * previous > d1 * d);
      return d1 === 0n || isCloser ? [n0 + t * n1, d0 + t * d1] : [n1, d1];
    }
    [n0, d0, n1, d1] = [n1, d1, n2, d2];
  }
  return [n1, d1];
}

/** struct reciprocal_value as it is returned in RAX: m, then the two shifts (include/linux/reciprocal_div.h). */
function reciprocal(divisor: number): bigint {
  const d = BigInt(divisor);
  const log = BigInt(divisor <= 1 ? 0 : 32 - Math.clz32(divisor - 1));
  const m = BigInt.asUintN(32, ((1n << 32n) * ((1n << log) - d)) / d + 1n);
  const shift1 = log < 1n ? log : 1n;
  const shift2 = log > 1n ? log - 1n : 0n;
  return m | (shift1 << 32n) | (shift2 << 40n);
}
