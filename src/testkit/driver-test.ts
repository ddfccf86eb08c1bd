import { KitMachine, type KitOptions } from './kit-machine.js';

/** Runs a test's body with a machine of its own, and throws for what it leaves: for runners without fixtures. */
export async function withMachine(
  body: (fixtures: { readonly machine: KitMachine }) => void | Promise<void>,
  options: KitOptions = {},
): Promise<void> {
  const machine = new KitMachine(options);
  await body({ machine });
  machine.demandClean();
}
