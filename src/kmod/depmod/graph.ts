import { messageText } from '../byte-text.js';
import { reportCycles } from './cycles.js';
import type { ModuleFacts } from './facts.js';
import { DepmodFailure, type Say } from './messages.js';
import type { ModuleOnDisk } from './search.js';
import type { SymbolTable } from './symbols.js';

/** A module among the others. */
export class GraphModule {
  /** What it needs itself, as modules; sorted once there is an order. */
  readonly dependencies = new Set<GraphModule>();
  /** How many modules need it. */
  users = 0;
  /** Place in the topological order. */
  rank = Number.POSITIVE_INFINITY;

  constructor(
    readonly found: ModuleOnDisk,
    readonly facts: ModuleFacts,
    /** Place among all modules. */
    readonly index: number,
  ) {}

  get name(): string {
    return this.found.name;
  }

  /** How index files name it. */
  get path(): string {
    return this.found.relativePath ?? this.found.path;
  }

  /** Everything that has to be loaded before it, those without users first. */
  allDependencies(): GraphModule[] {
    const found = new Set<GraphModule>();
    const pending = [...this.dependencies];
    for (let module = pending.pop(); module; module = pending.pop()) {
      if (found.has(module)) continue;
      found.add(module);
      pending.push(...module.dependencies);
    }
    return [...found].sort((a, b) => a.rank - b.rank);
  }
}

interface LinkOptions {
  /** -e: say which symbols nobody has, or has with another CRC. */
  readonly reportUnknown: boolean;
  /** -E: compare CRCs. */
  readonly checkVersions: boolean;
}

/** Finds who exports what each module needs. */
export function link(
  modules: readonly GraphModule[],
  symbols: SymbolTable,
  options: LinkOptions,
  say: Say,
): void {
  for (const module of modules) {
    const { needs, needCrcs } = module.facts;
    const weakNeeds = new Set(module.facts.weakNeeds);
    for (let i = 0; i < needs.length; i++) {
      const symbol = symbols.find(needs[i]);
      const complain = options.reportUnknown && !weakNeeds.has(i);
      if (!symbol) {
        if (complain) say('warning', `${shownPath(module)} needs unknown symbol ${messageText(needs[i])}\n`);
        continue;
      }
      if (complain && options.checkVersions && symbol.crc !== needCrcs[i])
        say('warning', `${shownPath(module)} disagrees about version of symbol ${messageText(needs[i])}\n`);
      const { owner } = symbol;
      if (!owner || module.dependencies.has(owner)) continue;
      module.dependencies.add(owner);
      owner.users++;
      say('shown', `${shownPath(module)} needs "${messageText(symbol.name)}": ${shownPath(owner)}\n`);
    }
  }
}

/**
 * Topological order, what nobody uses first, of several possible ones the one that kmod takes: it shows in the
 * order of loading. Throws {@link DepmodFailure} where modules need each other in a circle.
 */
export function rank(modules: readonly GraphModule[], say: Say): void {
  const users = modules.map((module) => module.users);
  const ready = modules.filter((module) => module.users === 0);
  let next = 0;
  for (let module = ready.pop(); module; module = ready.pop()) {
    module.rank = next++;
    for (const dependency of module.dependencies) if (--users[dependency.index] === 0) ready.push(dependency);
  }
  if (next === modules.length) return;
  reportCycles(
    modules.filter(({ index }) => users[index] > 0),
    say,
  );
  throw new DepmodFailure();
}

function shownPath(module: GraphModule): string {
  return module.found.file;
}
