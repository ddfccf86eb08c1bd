/**
 * Tests of drivers for Vitest: `test` gives each its machine, and fails what leaves a fault, a leak or a module behind; `expect` has words for devices.
 *
 *     import { expect, test } from 'modbox/vitest';
 *     test('the driver binds', ({ machine }) => {
 *       const card = machine.plug(edu);
 *       machine.insmod('./edu.ko');
 *       expect(card).toBeBoundTo('edu');
 *     });
 */
import { test as base, expect } from 'vitest';
import { KitMachine, type KitOptions } from './testkit/kit-machine.js';
import * as matchers from './testkit/matchers.js';

export type { Failure, FailureOptions } from './testkit/failures.js';
export { KitMachine, type KitOptions } from './testkit/kit-machine.js';
export type { Outcome } from './testkit/outcome.js';
export { expect };

interface Fixtures {
  /** How machines are to be: `test.extend({ modbox: { target: '6.12' } })`. */
  readonly modbox: KitOptions;
  readonly machine: KitMachine;
}

/** A test with a machine of its own. */
export const test = base.extend<Fixtures>({
  modbox: {},
  machine: async ({ modbox }, use) => {
    const machine = new KitMachine(modbox);
    await use(machine);
    machine.demandClean();
  },
});

expect.extend({
  toBeBoundTo: (device: object, driver: string) => matchers.toBeBoundTo(device, driver),
  toHaveWritten: matchers.toHaveWritten,
  toHaveAccessed: matchers.toHaveAccessed,
  toHaveLogged: matchers.toHaveLogged,
  toBeClean: matchers.toBeClean,
});

interface DeviceMatchers<T> {
  /** The device is bound to the driver of that name. */
  toBeBoundTo(driver: string): T;
  /** A driver wrote the register, with that value if one is given. */
  toHaveWritten(register: string, value?: number | bigint): T;
  /** Accesses in this order, with others between them or not: `'command = 0b101', 'status → *'`. */
  toHaveAccessed(...steps: string[]): T;
  /** The machine's kernel log has the text, or a line that fits the pattern. */
  toHaveLogged(text: string | RegExp): T;
  /** Of a machine: all is unloaded, and nothing was found. Of what failures() gave: likewise. */
  toBeClean(): T;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: the interface that it is merged with has that default
  interface Assertion<T = any> extends DeviceMatchers<T> {}
}
