import type { FoundModule } from './found-module.js';
import type { ModuleTree } from './module-tree.js';
import { type InsertStep, insertPlan } from './plan.js';

/** `modprobe --show-depends`: one line a step, `insmod PATH OPTIONS`, `install COMMAND` or `builtin NAME`. */
export function showDepends(tree: ModuleTree, name: string, options = ''): string[] | undefined {
  const found = tree.resolve(name);
  if (found.length === 0) return undefined;
  return found.flatMap((wanted) =>
    insertPlan(wanted).flatMap((step) => stepLine(step, stepOptions(step, wanted, options)) ?? []),
  );
}

/** What is shown of a step; undefined for what is neither a module's file nor built in. */
export function stepLine(step: InsertStep, options: string): string | undefined {
  const { module } = step;
  if (step.install !== undefined) return `install ${step.install} ${options}`;
  if (module.path !== undefined) return `insmod ${module.path} ${options}`;
  return module.builtin ? `builtin ${module.name}` : undefined;
}

/** Options that a step's module gets: those of the command line are for what was asked for. */
export function stepOptions(step: InsertStep, wanted: FoundModule, extra: string): string {
  return withExtra(step.options, step.module === wanted ? extra : '');
}

/** Options of the configuration, if any, and those of the command line, with the blank that modprobe puts behind. */
export function withExtra(configured: string | undefined, extra: string): string {
  return configured === undefined ? extra : `${configured} ${extra}`;
}
