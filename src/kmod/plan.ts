import type { ModuleTree, Resolved } from './module-tree.js';

/** One module to insert, in its turn. */
export interface InsertStep {
  readonly name: string;
  readonly module: Resolved;
  /** Command of the configuration to run instead of inserting it. */
  readonly install: string | undefined;
  /** Options of the configuration. */
  readonly options: string;
  /** A hard dependency, or what was asked for: its failure ends everything. */
  readonly required: boolean;
}

/**
 * What inserting a module takes, in modprobe's order: its dependencies, each between its own soft
 * dependencies, then the module between its own.
 */
export function insertPlan(tree: ModuleTree, wanted: Resolved, ignoreCommands = false): InsertStep[] {
  const plan = new Planner(tree);
  plan.visit(wanted, true, ignoreCommands);
  return plan.steps();
}

class Planner {
  private readonly visited = new Set<string>();
  private readonly required = new Set<string>();
  private readonly order: { readonly resolved: Resolved; readonly ignoreCommand: boolean }[] = [];

  constructor(private readonly tree: ModuleTree) {}

  visit(wanted: Resolved, required: boolean, ignoreCommand: boolean): void {
    if (this.visited.has(wanted.name)) return;
    this.visited.add(wanted.name);
    const dependencies = wanted.module?.dependencies ?? [];
    if (required) for (const name of [wanted.name, ...dependencies]) this.required.add(name);
    for (const name of dependencies) this.withSoft(this.tree.named(name, undefined));
    if (ignoreCommand) this.order.push({ resolved: wanted, ignoreCommand });
    else this.withSoft(wanted);
  }

  steps(): InsertStep[] {
    const { tree } = this;
    return this.order.map(({ resolved, ignoreCommand }) => ({
      name: resolved.name,
      module: resolved,
      install: ignoreCommand ? undefined : tree.installCommand(resolved.name),
      options: tree.optionsFor(resolved.name, resolved.alias),
      required: this.required.has(resolved.name),
    }));
  }

  /** A module with what softdep puts before and after it. Having soft dependencies hides an install command. */
  private withSoft(resolved: Resolved): void {
    const { tree } = this;
    const soft = tree.softDependency(resolved.name);
    const pre = (soft?.pre ?? []).flatMap((name) => tree.resolve(name));
    const post = (soft?.post ?? []).flatMap((name) => tree.resolve(name));
    for (const before of pre) this.visit(before, false, false);
    this.order.push({ resolved, ignoreCommand: pre.length > 0 || post.length > 0 });
    for (const after of post) this.visit(after, false, false);
  }
}
