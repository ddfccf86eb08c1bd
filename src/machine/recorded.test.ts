import { describe, expect, it } from 'vitest';
import { PENDING } from './testing/pending.js';
import {
  actual,
  debianModule,
  expected,
  needsDebianModule,
  newerScenarios,
  newerTarget,
  sameOutcome,
  scenarios,
} from './testing/recorded.js';

/** Every step recorded on a real kernel gives the same output, status and log here. */
const debian = await debianModule();
const newer = await newerTarget();

describe('the real kernel and modbox agree on', () => {
  for (const scenario of scenarios()) {
    const check = (): void => {
      const got = actual(scenario, { debianModule: debian });
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

describe.skipIf(newer === undefined)('the real kernel 6.12 and modbox with it as the target agree on', () => {
  for (const scenario of newerScenarios()) {
    const check = (): void => {
      const got = actual(scenario, { target: newer });
      expected(scenario).forEach((want, i) => {
        if (!sameOutcome(want, got[i])) expect(got[i]).toEqual(want);
      });
    };
    const reason = PENDING[scenario.name];
    if (reason === undefined) it(scenario.name, check);
    else it.fails(`${scenario.name}: not yet: ${reason}`, check);
  }
});
