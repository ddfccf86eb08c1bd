import { expect, it } from 'vitest';
import type { Sleepable } from '../../../kernel/effects.js';
import { guest } from '../../testing/guest.js';
import { Classes } from './class.js';
import { Devices } from './core.js';
import { registerBuiltinClass } from './host-class.js';

/** Where a module's code would be. */
const MODULE = 0x4000_1000;

it('a directory that devices of a class share is the kernel’s, and not of the module whose device came first', () => {
  const { k, run } = guest();
  const cls = registerBuiltinClass(k, 'shared');
  const made = function* (): Sleepable<readonly number[]> {
    k.executor.current!.caller = MODULE;
    const top = yield* k.get(Devices).topDirectory('virtual');
    const glue = yield* k.get(Classes).glueDirectory(cls, top);
    return [top, glue, k.caller];
  };
  const [top, glue, caller] = run(made);
  expect(caller).toBe(MODULE);
  for (const directory of [top, glue]) {
    expect(k.origins.of(directory)?.caller ?? 0).toBe(0);
    expect(k.ledger.get(directory)?.caller).toBe(0);
  }
});
