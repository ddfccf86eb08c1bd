import { messageText } from '../byte-text.js';
import type { GraphModule } from './graph.js';
import type { Say } from './messages.js';

/**
 * How many steps are looked at from one module. Real cycles take a few; the number of ways through a graph that is
 * made for it grows without limit.
 */
const MAX_STEPS = 100_000;

/** A way from the module that was started with. */
interface Step {
  readonly module: GraphModule;
  readonly from: Step | undefined;
}

/** Says which of the modules that could not be put in an order need each other in circles, as kmod does. */
export function reportCycles(modules: readonly GraphModule[], say: Say): void {
  const reporter = new CycleReporter(modules, say);
  reporter.report();
}

class CycleReporter {
  /**
   * Modules that no search started from yet, and that are in no cycle so far: kmod's list is a ring, and goes on behind the
   * element that was taken out last. The first is the next.
   */
  private roots: GraphModule[];
  private readonly visited = new Set<GraphModule>();
  private readonly cyclic = new Set<string>();

  constructor(
    modules: readonly GraphModule[],
    private readonly say: Say,
  ) {
    this.roots = [...modules];
  }

  report(): void {
    for (let root = this.roots.shift(); root; root = this.roots.shift()) this.searchFrom(root);
    this.say('error', `Found ${this.cyclic.size} modules in dependency cycles!\n`);
  }

  private searchFrom(root: GraphModule): void {
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
      if (module.dependencies.size === 0) this.takeOut(module);
      // A circle that does not lead through the root is found from one of its own modules.
      if (isOnWay(step.from, module)) continue;
      for (const dependency of module.dependencies) pending.push({ module: dependency, from: step });
    }
  }

  private reportOne(end: Step): void {
    const names = [end.module.name];
    const cycle: GraphModule[] = [];
    for (let step = end.from; step; step = step.from) cycle.unshift(step.module);
    names.unshift(...cycle.map(({ name }) => name));
    for (const module of cycle) {
      this.cyclic.add(module.name);
      this.takeOut(module);
    }
    this.say('error', `Cycle detected: ${messageText(names.join(' -> '))}\n`);
  }

  private takeOut(module: GraphModule): void {
    const at = this.roots.indexOf(module);
    if (at >= 0) this.roots = [...this.roots.slice(at + 1), ...this.roots.slice(0, at)];
  }
}

function isOnWay(from: Step | undefined, module: GraphModule): boolean {
  for (let step = from; step; step = step.from) if (step.module === module) return true;
  return false;
}
