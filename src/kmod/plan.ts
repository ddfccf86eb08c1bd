import type { FoundModule } from './found-module.js';

/** One module to insert, in its turn. */
export interface InsertStep {
  readonly name: string;
  readonly module: FoundModule;
  /** Command of the configuration to run instead of inserting it. */
  readonly install: string | undefined;
  /** Options of the configuration; undefined if there are none. */
  readonly options: string | undefined;
  /** A hard dependency, or what was asked for: its failure ends everything. */
  readonly required: boolean;
}

type Task =
  | {
      readonly kind: 'probe';
      readonly module: FoundModule;
      readonly required: boolean;
      readonly bare: boolean;
    }
  | { readonly kind: 'with-soft'; readonly module: FoundModule }
  | { readonly kind: 'append'; readonly module: FoundModule; readonly ignoreCommand: boolean };

/**
 * What inserting a module takes, in modprobe's order: its dependencies, each between its own soft
 * dependencies, then the module between its own. A module that is needed in two ways may stand there twice.
 * `ignoreCommands` (`-i`) leaves out the install command and the soft dependencies of the module itself.
 */
export function insertPlan(wanted: FoundModule, ignoreCommands = false): InsertStep[] {
  const plan = new Planner();
  plan.run({ kind: 'probe', module: wanted, required: true, bare: ignoreCommands });
  return plan.steps();
}

/** Walks with a stack of its own: chains of soft dependencies may be as long as there are modules. */
class Planner {
  private readonly visited = new Set<FoundModule>();
  private readonly required = new Set<FoundModule>();
  /** Having soft dependencies hides an install command; what was found out last counts. */
  private readonly ignoresCommand = new Map<FoundModule, boolean>();
  private readonly order: FoundModule[] = [];
  private readonly tasks: Task[] = [];

  run(first: Task): void {
    this.tasks.push(first);
    for (let task = this.tasks.pop(); task; task = this.tasks.pop())
      this.tasks.push(...this.follow(task).reverse());
  }

  steps(): InsertStep[] {
    return this.order.map((module) => ({
      name: module.name,
      module,
      install: this.ignoresCommand.get(module) ? undefined : module.installCommand,
      options: module.options,
      required: this.required.has(module),
    }));
  }

  /** What a task leads to, in order. */
  private follow(task: Task): Task[] {
    const { module } = task;
    switch (task.kind) {
      case 'probe': {
        if (this.visited.has(module)) return [];
        this.visited.add(module);
        const { dependencies } = module;
        if (task.required) for (const needed of [module, ...dependencies]) this.required.add(needed);
        return [
          ...dependencies.map((dependency) => ({ kind: 'with-soft', module: dependency }) as const),
          task.bare ? { kind: 'append', module, ignoreCommand: true } : { kind: 'with-soft', module },
        ];
      }
      case 'with-soft': {
        const { pre, post } = module.softDependencies;
        const probe = (soft: FoundModule): Task => ({
          kind: 'probe',
          module: soft,
          required: false,
          bare: false,
        });
        const ignoreCommand = pre.length > 0 || post.length > 0;
        return [...pre.map(probe), { kind: 'append', module, ignoreCommand }, ...post.map(probe)];
      }
      case 'append':
        this.order.push(module);
        this.ignoresCommand.set(module, task.ignoreCommand);
        return [];
    }
  }
}
