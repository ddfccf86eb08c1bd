import type { Sleepable } from '../../kernel/effects.js';
import { strerror } from '../../kernel/errno.js';
import { moduleNameOf } from '../../kmod/index.js';
import { hint, holdersOf, type ModuleSystem, refcountOf, removeModule, statusOf } from './system.js';
import type { Terminal } from './terminal.js';

/** rmmod(8). */
export function* rmmod(
  system: ModuleSystem,
  names: readonly string[],
  options: { readonly force?: boolean; readonly verbose?: boolean },
  terminal: Terminal,
): Sleepable<number> {
  let status = 0;
  for (const given of names) {
    const name = moduleNameOf(given);
    if (!options.force && inUse(system, name, terminal)) {
      status = 1;
      continue;
    }
    if (options.verbose) terminal.out(`rmmod ${name}\n`);
    const result = yield* removeModule(system, name, options.force);
    if (result.errno === 0) continue;
    terminal.err(`rmmod: ERROR: could not remove '${name}': ${strerror(result.errno)}\n`);
    terminal.err(`rmmod: ERROR: could not remove module ${given}: ${strerror(result.errno)}\n`);
    terminal.err(hint(result));
    status = 1;
  }
  return status;
}

function inUse(system: ModuleSystem, name: string, terminal: Terminal): boolean {
  const status = statusOf(system, name);
  if (status !== 'loaded') {
    terminal.err(
      `rmmod: ERROR: Module ${name} is ${status === 'builtin' ? 'builtin.' : 'not currently loaded'}\n`,
    );
    return true;
  }
  const holders = holdersOf(system, name);
  if (holders.length > 0) {
    terminal.err(`rmmod: ERROR: Module ${name} is in use by: ${holders.join(' ')}\n`);
    return true;
  }
  // kmod takes a count below zero for an error that it says nothing about.
  if (refcountOf(system, name) < 0) return true;
  if (refcountOf(system, name) > 0) {
    terminal.err(`rmmod: ERROR: Module ${name} is in use\n`);
    return true;
  }
  return false;
}
