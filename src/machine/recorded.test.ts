import { describe, expect, it } from 'vitest';
import { PENDING } from './testing/pending.js';
import { actual, expected, sameOutcome, scenarios } from './testing/recorded.js';

/** Every step recorded on the real kernel gives the same output, status and log here. */
describe('the real kernel and modbox agree on', () => {
  for (const scenario of scenarios()) {
    const check = (): void => {
      const got = actual(scenario);
      expected(scenario).forEach((want, i) => {
        if (!sameOutcome(want, got[i])) expect(got[i]).toEqual(want);
      });
    };
    const reason = PENDING[scenario.name];
    // A scenario that works now has to be taken off the list.
    if (reason === undefined) it(scenario.name, check);
    else it.fails(`${scenario.name}: not yet: ${reason}`, check);
  }
});
