import { describe, expect, it } from 'vitest';
import type { Sleepable } from '../../../kernel/effects.js';
import { heapSort } from '../sort/heap-sort.js';
import { mergeSort } from '../sort/merge-sort.js';
import { bestApproximation, greatestDivisor, squareRoot } from './math.js';

function finish<T>(work: Sleepable<T>): T {
  const step = work.next();
  if (!step.done) throw new Error('not done');
  return step.value;
}

// biome-ignore lint/correctness/useYield: comparisons are generators, for callbacks in guest code
function* at<T>(value: T): Sleepable<T> {
  return value;
}

describe('mathematics', () => {
  it('takes roots and divisors', () => {
    expect([0n, 1n, 15n, 16n, 2n ** 64n - 1n].map(squareRoot)).toEqual([0n, 1n, 3n, 4n, 4294967295n]);
    expect(greatestDivisor(54n, 24n)).toBe(6n);
  });
  it('approximates fractions', () => {
    expect(bestApproximation(31415n, 10000n, 255n, 255n)).toEqual([245n, 78n]);
    expect(bestApproximation(1230n, 10n, 1000n, 1000n)).toEqual([123n, 1n]);
    expect(bestApproximation(1230n, 10n, 100n, 20n)).toEqual([100n, 1n]);
    expect(bestApproximation(1n, 30n, 100n, 10n)).toEqual([0n, 1n]);
    expect(bestApproximation(1n, 19n, 100n, 10n)).toEqual([1n, 10n]);
    expect(bestApproximation(27n, 32n, 16n, 16n)).toEqual([11n, 13n]);
    expect(bestApproximation(1155n, 7735n, 255n, 255n)).toEqual([33n, 221n]);
    expect(bestApproximation(87n, 32n, 70n, 32n)).toEqual([68n, 25n]);
  });
});

describe('sorting', () => {
  it('sorts arrays', () => {
    for (let length = 0; length < 40; length++) {
      const array = Array.from({ length }, (_, i) => (i * 7919) % 23);
      const expected = [...array].sort((a, b) => a - b);
      finish(
        heapSort(
          length,
          (a, b) => at(array[a] - array[b]),
          (a, b) => {
            [array[a], array[b]] = [array[b], array[a]];
            return at(undefined);
          },
        ),
      );
      expect(array).toEqual(expected);
    }
  });
  it('keeps equal list entries in order', () => {
    const sorted = finish(
      mergeSort([31, 12, 11, 32, 22, 21], (a, b) => at(Math.floor(a / 10) - Math.floor(b / 10))),
    );
    expect(sorted).toEqual([12, 11, 22, 21, 31, 32]);
  });
});
