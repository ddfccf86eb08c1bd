import { expect, it } from 'vitest';
import type { LinuxTarget } from '../../../target/index.js';
import { PENDING } from './pending.js';
import {
  actual,
  type DebianModules,
  expected,
  needsDebianModule,
  type Scenario,
  sameOutcome,
} from './recorded.js';

/** The modules of Debian's, and the kernel, that a scenario is replayed with, as far as they can be had. */
export interface ReplayWith {
  readonly debian: DebianModules | undefined;
  readonly target?: LinuxTarget | undefined;
}

/** A test: every step of a scenario gives the same output, status and log as recorded on the real kernel. */
export function itReplays(scenario: Scenario, { debian, target }: ReplayWith): void {
  if (needsDebianModule(scenario) && debian === undefined) {
    it.skip(`${scenario.name}: needs a module of Debian's`, () => undefined);
    return;
  }
  // Waits once, so that many tests in a row do not keep the runner from hearing of them.
  const check = async (): Promise<void> => {
    await new Promise((done) => setImmediate(done));
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
