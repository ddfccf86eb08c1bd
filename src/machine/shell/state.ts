import type { Task } from '../../kernel/task/task.js';
import type { Command } from './syntax.js';

/** What a shell knows; a subshell has a copy. */
export class ShellState {
  readonly variables = new Map<string, string>();
  readonly exported = new Set<string>();
  readonly functions = new Map<string, Command>();
  /** What variables were before functions made them local, one map for each call. */
  readonly locals: Map<string, string | undefined>[] = [];
  positional: readonly string[] = [];
  /** `$0` */
  name = 'sh';
  directory = '/';
  /** `$?` */
  status = 0;
  /** `$!` */
  lastJob: string | undefined;
  readonly jobs: Task[] = [];
  /** `trap ... EXIT`; a subshell has none. */
  exitTrap: string | undefined;
  /** Files that `exec` opened for the shell itself. */
  readonly kept = new Set<number>();
  /** Letters of `set`: e, u, x. */
  readonly flags = new Set<string>();
  /** Compound commands whose condition is looked at: `set -e` does not count there. */
  conditions = 0;
  loops = 0;
  /** A job in the background: what interrupts the command in the foreground is not for it. */
  background = false;

  fork(): ShellState {
    const copy = new ShellState();
    for (const [name, value] of this.variables) copy.variables.set(name, value);
    for (const name of this.exported) copy.exported.add(name);
    for (const [name, body] of this.functions) copy.functions.set(name, body);
    for (const flag of this.flags) copy.flags.add(flag);
    copy.positional = this.positional;
    copy.name = this.name;
    copy.directory = this.directory;
    copy.status = this.status;
    copy.lastJob = this.lastJob;
    copy.conditions = this.conditions;
    copy.background = this.background;
    return copy;
  }

  /** What commands are given. */
  environment(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const name of this.exported) found[name] = this.variables.get(name) ?? '';
    return found;
  }

  set(name: string, value: string | undefined): void {
    if (value === undefined) this.variables.delete(name);
    else this.variables.set(name, value);
  }

  /** Of `$NAME`, special parameters too. */
  parameter(name: string, pid: () => number): string | undefined {
    switch (name) {
      case '?':
        return String(this.status);
      case '#':
        return String(this.positional.length);
      case '*':
      case '@':
        return this.positional.join(' ');
      case '0':
        return this.name;
      case '$':
        return String(pid());
      case '!':
        return this.lastJob;
      case '-':
        return [...this.flags].join('');
    }
    return /^\d+$/.test(name) ? this.positional[Number(name) - 1] : this.variables.get(name);
  }
}

/** Thrown by `exit`. */
export class ExitShell {
  constructor(readonly status: number) {}
}

/** Thrown where a script cannot go on: a word that cannot be expanded, or its user wants it to stop. */
export class AbandonScript {
  constructor(readonly status: number) {}
}

/** Thrown by `break` and `continue`. */
export class LeaveLoop {
  constructor(
    public levels: number,
    readonly again: boolean,
  ) {}
}

/** Thrown by `return`. */
export class ReturnStatus {
  constructor(readonly status: number) {}
}

/** Status of a builtin that was called wrongly. */
export const MISUSE = 2;
