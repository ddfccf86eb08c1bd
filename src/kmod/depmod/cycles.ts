import { readable } from '../byte-text.js';
import type { IndexedModule } from './graph.js';
import type { Say } from './messages.js';

/**
 * How many steps are looked at from one module. Real cycles take a few; the number of ways through a graph that is
 * made for it grows without limit.
 */
const MAX_STEPS = 100_000;

/** A way from the module that was started with. */
interface Step {
  readonly module: IndexedModule;
  readonly from: Step | undefined;
}

/** Says which of the modules that could not be put in an order need each other in circles, as kmod does. */
export function reportCycles(modules: readonly IndexedModule[], say: Say): void {
  const reporter = new CycleReporter(modules, say);
  reporter.report();
}

class CycleReporter {
  /** Modules that no search started from yet, and that are in no cycle so far. */
  private readonly roots: Set<IndexedModule>;
  private readonly visited = new Set<IndexedModule>();
  private readonly cyclic = new Set<string>();

  constructor(
    modules: readonly IndexedModule[],
    private readonly say: Say,
  ) {
    this.roots = new Set(modules);
  }

  report(): void {
    for (const root of this.roots) {
      this.roots.delete(root);
      this.searchFrom(root);
    }
    this.say('error', `Found ${this.cyclic.size} modules in dependency cycles!\n`);
  }

  private searchFrom(root: IndexedModule): void {
    const pending: Step[] = [{ module: root, from: undefined }];
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const step = pending.pop();
      if (!step) return;
      const { module } = step;
      if (module === root && this.visited.has(root)) {
        this.reportOne(step);
        continue;
      }
      this.visited.add(module);
      if (module.dependencies.size === 0) this.roots.delete(module);
      // A circle that does not lead through the root is found from one of its own modules.
      if (isOnWay(step.from, module)) continue;
      for (const dependency of module.dependencies) pending.push({ module: dependency, from: step });
    }
  }

  private reportOne(end: Step): void {
    const names = [end.module.name];
    for (let step = end.from; step; step = step.from) {
      names.unshift(step.module.name);
      this.cyclic.add(step.module.name);
      this.roots.delete(step.module);
    }
    this.say('error', `Cycle detected: ${readable(names.join(' -> '))}\n`);
  }
}

function isOnWay(from: Step | undefined, module: IndexedModule): boolean {
  for (let step = from; step; step = step.from) if (step.module === module) return true;
  return false;
}
