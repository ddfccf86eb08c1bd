import type { FailureSite } from '../index.js';
import type { Outcome } from './outcome.js';

export interface FailureOptions {
  /**
   * How often the same thing at the same place is made to go wrong: the first so many times (8 by default). A loop that fills a ring allocates a hundred times, and
   * each takes a machine of its own.
   */
  readonly perSite?: number;
  /** Kinds to try: all by default. */
  readonly kinds?: readonly FailureSite['kind'][];
}

/** One thing that can go wrong. */
export interface Failure extends FailureSite {
  /** Makes it go wrong, in a machine of its own, and unloads everything. */
  run(): Outcome;
}

/** Which of all that can go wrong are tried, with their numbers in order. */
export function chosenSites(
  sites: readonly FailureSite[],
  { perSite = 8, kinds }: FailureOptions,
): { readonly index: number; readonly site: FailureSite }[] {
  const times = new Map<string, number>();
  return sites.flatMap((site, index) => {
    const before = times.get(site.what) ?? 0;
    times.set(site.what, before + 1);
    if (before >= perSite || (kinds && !kinds.includes(site.kind))) return [];
    return [{ index, site: before === 0 ? site : { ...site, what: `${site.what}, time ${before + 1}` } }];
  });
}
