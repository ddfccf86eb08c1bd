import { SHN_UNDEF } from '../../formats/elf/index.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';

/** How long resolve_symbol_wait() waits for a module whose init still runs, and how often it is looked at. */
const LIVE_PATIENCE_NS = 30e9;
const STEP_NS = 1e6;

/**
 * Waits for the modules that export what `module` imports and whose init has not come to its end, as
 * resolve_symbol_wait() does. Afterwards resolving finds them live, or gives up on them.
 */
export function* waitForOwners(k: LinuxKernel, module: LoadedModule): Sleepable<void> {
  const unfinished = k
    .get(Modules)
    .list()
    .filter((other) => other !== module && other.state === 'Loading');
  if (unfinished.length === 0) return;
  const imported = module.elf
    .symbols()
    .filter((symbol) => symbol.shndx === SHN_UNDEF && symbol.name !== '')
    .map((symbol) => symbol.name);
  const deadline = k.clock.now + LIVE_PATIENCE_NS;
  for (const owner of unfinished) {
    if (!imported.some((name) => owner.exports.has(name))) continue;
    while (owner.state === 'Loading' && k.clock.now < deadline) {
      const task = k.executor.current!;
      k.clock.arm(k.clock.now + STEP_NS, () => k.scheduler.wake(task));
      yield* block();
    }
  }
}
