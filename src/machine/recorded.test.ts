import { describe, expect, it } from 'vitest';
import { PENDING } from './testing/pending.js';
import {
  actual,
  debianModule,
  expected,
  needsDebianModule,
  sameOutcome,
  scenarios,
} from './testing/recorded.js';

/** Every step recorded on the real kernel gives the same output, status and log here. */
const debian = await debianModule();

describe('the real kernel and modbox agree on', () => {
  for (const scenario of scenarios()) {
    const check = (): void => {
      const got = actual(scenario, debian);
      expected(scenario).forEach((want, i) => {
        if (!sameOutcome(want, got[i])) expect(got[i]).toEqual(want);
      });
    };
    if (needsDebianModule(scenario) && debian === undefined) {
      it.skip(`${scenario.name}: needs a module of Debian's`, () => undefined);
      continue;
    }
    const reason = PENDING[scenario.name];
    // A scenario that works now has to be taken off the list.
    if (reason === undefined) it(scenario.name, check);
    else it.fails(`${scenario.name}: not yet: ${reason}`, check);
  }
});
