/** Where configuration is looked for. A file hides those of the same name in later directories (modprobe.d(5)). */
export const CONFIG_DIRECTORIES = [
  '/etc/modprobe.d',
  '/run/modprobe.d',
  '/usr/local/lib/modprobe.d',
  '/usr/lib/modprobe.d',
  '/lib/modprobe.d',
] as const;

/** A command of modprobe.d for an alias of the user's making. */
export interface ConfigAlias {
  /** May hold wildcards. */
  readonly alias: string;
  readonly module: string;
}

export interface ConfigText {
  /** Name of a module; of an install or remove line it may hold wildcards. */
  readonly module: string;
  /** Options, or a command line. */
  readonly text: string;
}

/** A soft dependency: what to load before and after, where it exists (modprobe.d(5)). */
export interface SoftDependency {
  /** Name of the module, may hold wildcards. */
  readonly module: string;
  readonly pre: readonly string[];
  readonly post: readonly string[];
  /** The line's text as `modprobe -c` shows it; see parse-config.ts. */
  readonly shown: string;
}

/** A weak dependency: what may be needed later and has to be at hand (modprobe.d(5)). */
export interface WeakDependency {
  /** Name of the module, may hold wildcards. */
  readonly module: string;
  readonly weak: readonly string[];
}

/** What modprobe.d says, in the order in which it is read. */
export interface ModprobeConfig {
  readonly aliases: ConfigAlias[];
  readonly options: ConfigText[];
  readonly install: ConfigText[];
  readonly remove: ConfigText[];
  readonly blacklist: string[];
  readonly softDependencies: SoftDependency[];
  readonly weakDependencies: WeakDependency[];
  /** What is wrong with it, with file and line. */
  readonly problems: ConfigProblem[];
}

export interface ConfigProblem {
  /** The function of libkmod that complains: its messages name it. */
  readonly reporter: string;
  readonly text: string;
}

export function emptyConfig(): ModprobeConfig {
  return {
    aliases: [],
    options: [],
    install: [],
    remove: [],
    blacklist: [],
    softDependencies: [],
    weakDependencies: [],
    problems: [],
  };
}
