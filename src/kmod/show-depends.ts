import type { ModuleTree } from './module-tree.js';
import { insertPlan } from './plan.js';

/** `modprobe --show-depends`: one line a step, `insmod PATH OPTIONS`, `install COMMAND` or `builtin NAME`. */
export function showDepends(tree: ModuleTree, name: string, options = ''): string[] | undefined {
  const found = tree.resolve(name);
  if (found.length === 0) return undefined;
  return found.flatMap((wanted) => {
    if (!wanted.module && wanted.builtin) return [`builtin ${wanted.name}`];
    return insertPlan(tree, wanted).flatMap((step) => {
      const given = step.name === wanted.name ? withExtra(step.options, options) : step.options;
      if (step.install !== undefined) return [`install ${step.install} ${given}`];
      if (step.module.module) return [`insmod ${tree.pathOf(step.module.module)} ${given}`];
      return step.module.builtin ? [`builtin ${step.name}`] : [];
    });
  });
}

/** Options of the configuration and those of the command line, with the space that modprobe puts between. */
export function withExtra(configured: string, extra: string): string {
  return configured === '' ? extra : `${configured} ${extra}`;
}
