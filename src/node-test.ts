/**
 * Tests of drivers for Node's own runner: `driverTest` is node:test's `test` with a machine, `check` says of devices what `modbox/vitest`'s `expect` does.
 *
 *     import { check, driverTest } from 'modbox/node-test';
 *     driverTest('the driver binds', ({ machine }) => {
 *       const card = machine.plug(edu);
 *       machine.insmod('./edu.ko');
 *       check.toBeBoundTo(card, 'edu');
 *     });
 */
import { AssertionError } from 'node:assert';
import { test } from 'node:test';
import { withMachine } from './testkit/driver-test.js';
import type { KitMachine, KitOptions } from './testkit/kit-machine.js';
import * as matchers from './testkit/matchers.js';

export type { Failure, FailureOptions } from './testkit/failures.js';
export { KitMachine, type KitOptions } from './testkit/kit-machine.js';
export type { Outcome } from './testkit/outcome.js';

/** A test with a machine of its own. */
export function driverTest(
  name: string,
  body: (fixtures: { readonly machine: KitMachine }) => void | Promise<void>,
  options: KitOptions = {},
): void {
  // The runner waits for its tests by itself.
  void test(name, () => withMachine(body, options));
}

/** A matcher that throws AssertionError where it does not fit. */
function demanding<A extends unknown[]>(matcher: (...args: A) => matchers.Verdict): (...args: A) => void {
  return (...args) => {
    const { pass, message } = matcher(...args);
    if (!pass) throw new AssertionError({ message: message() });
  };
}

export const check = {
  toBeBoundTo: demanding(matchers.toBeBoundTo),
  toHaveWritten: demanding(matchers.toHaveWritten),
  toHaveAccessed: demanding(matchers.toHaveAccessed),
  toHaveLogged: demanding(matchers.toHaveLogged),
  toBeClean: demanding(matchers.toBeClean),
};
