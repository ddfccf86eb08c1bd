import { describe, expect, it } from 'vitest';
import type { Target } from '../target/index.js';
import { PENDING } from './testing/pending.js';
import {
  actual,
  debianModules,
  expected,
  needsDebianModule,
  newerScenarios,
  newerTarget,
  type Scenario,
  sameOutcome,
  scenarios,
} from './testing/recorded.js';

/** Every step recorded on a real kernel gives the same output, status and log here. */
const debian = await debianModules();
const newer = await newerTarget();

function replays(scenario: Scenario, target?: Target): void {
  if (needsDebianModule(scenario) && debian === undefined) {
    it.skip(`${scenario.name}: needs a module of Debian's`, () => undefined);
    return;
  }
  const check = (): void => {
    const got = actual(scenario, { ...(debian && { debian }), ...(target && { target }) });
    expected(scenario).forEach((want, i) => {
      if (!sameOutcome(want, got[i])) expect(got[i]).toEqual(want);
    });
  };
  const reason = PENDING[scenario.name];
  // A scenario that works now has to be taken off the list.
  if (reason === undefined) it(scenario.name, check);
  else it.fails(`${scenario.name}: not yet: ${reason}`, check);
}

describe('the real kernel and modbox agree on', () => {
  for (const scenario of scenarios()) replays(scenario);
});

describe.skipIf(newer === undefined)('the real kernel 6.12 and modbox with it as the target agree on', () => {
  for (const scenario of newerScenarios()) replays(scenario, newer);
});
