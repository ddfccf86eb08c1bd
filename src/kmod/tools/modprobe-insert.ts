import { EEXIST, ENOENT, strerror } from '../../linux/errno.js';
import { type FoundModule, Lookup } from '../found-module.js';
import type { InsertStep } from '../plan.js';
import { stepLine } from '../show-depends.js';
import { LOG, type LogLevel } from './log.js';
import type { ModprobeOptions } from './modprobe-options.js';
import { type ModuleSystem, type ProbeOptions, probeInsert } from './probe.js';
import type { CallOutcome, Steps } from './tool.js';

/** A step of `--json`, with what `modprobe -D` shows of it. */
interface ReportedStep {
  readonly module: string;
  /** 'none': a name that has neither a file nor a place in the kernel image. */
  readonly action: 'insmod' | 'install' | 'builtin' | 'none';
  readonly path: string | null;
  readonly command: string | null;
  readonly options: string;
  readonly required: boolean;
}

/** Steps and names of `--json`, which is written when all is done. */
export interface InsertReport {
  readonly steps: ReportedStep[];
  readonly resolved: { readonly module: string; readonly alias: string | null; readonly builtin: boolean }[];
}

/** modprobe(8), inserting what one name, alias or path stands for. True if it worked. */
export function* modprobeInsert<Wait>(
  system: ModuleSystem<Wait>,
  name: string,
  extra: string,
  options: ModprobeOptions,
  report: InsertReport,
): Steps<Wait, boolean> {
  const found = findModules(system, name, options.all ? 'warning' : 'fatal');
  let worked = found.length > 0;
  for (const wanted of found) worked = yield* insertOne(system, wanted, extra, options, report);
  return worked;
}

/** What a name, an alias or a path stands for; what cannot be found is told, and gives nothing. */
export function findModules<Wait>(
  { host, tree, log }: Pick<ModuleSystem<Wait>, 'host' | 'tree' | 'log'>,
  name: string,
  level: LogLevel,
): readonly FoundModule[] {
  const lookup = new Lookup(tree);
  const { given } = host;
  if (given && name === given.file.path) return [lookup.given(given.file, given.name)];
  if (name.startsWith('/') || name.startsWith('./')) {
    const found = lookup.byPath(host.absolute(name));
    if (!('errno' in found)) return [found];
    log.say(level, `Failed to get module from path ${name}: ${strerror(found.errno)}\n`);
    return [];
  }
  const found = lookup.resolve(name) ?? [];
  if (found.length === 0) log.say(level, `Module ${name} not found in directory ${tree.directory}\n`);
  return found;
}

function* insertOne<Wait>(
  system: ModuleSystem<Wait>,
  wanted: FoundModule,
  extra: string,
  options: ModprobeOptions,
  report: InsertReport,
): Steps<Wait, boolean> {
  const { host, log } = system;
  if (options.resolveOnly) {
    const { name, alias = null, builtin } = wanted;
    if (options.json) report.resolved.push({ module: name, alias, builtin });
    else host.out(`${name}\n`);
    return true;
  }
  const outcome = yield* probeInsert(system, wanted, extra, probeOptions(system, options, report));
  if (outcome.errno === 0) return true;
  log.error(`could not insert '${wanted.name}': ${insertMessage(outcome.errno)}\n`);
  explain(system, outcome);
  return false;
}

function probeOptions<Wait>(
  { host }: ModuleSystem<Wait>,
  options: ModprobeOptions,
  report: InsertReport,
): ProbeOptions {
  const shows = options.showDepends || options.dryRun || options.verbosity > LOG.warning;
  const onStep = (step: InsertStep, given: string): void => {
    if (options.json) report.steps.push(reported(step, given));
    const line = stepLine(step, given);
    if (shows && !options.json && line !== undefined) host.out(`${line}\n`);
  };
  return {
    insert: { forceModversion: options.forceModversion, forceVermagic: options.forceVermagic },
    ignoreCommands: options.ignoreCommands,
    ignoreLoaded: options.showDepends,
    dryRun: options.dryRun,
    useBlacklist: options.useBlacklist,
    failOnLoaded: options.firstTime,
    onStep,
  };
}

function reported(step: InsertStep, options: string): ReportedStep {
  const { install, module, name, required } = step;
  const path = install === undefined ? (module.path ?? null) : null;
  const elsewhere = module.builtin ? 'builtin' : 'none';
  const action = install !== undefined ? 'install' : path !== null ? 'insmod' : elsewhere;
  return { module: name, action, path, command: install ?? null, options, required };
}

/** What modprobe says of an errno: two have a meaning of their own for modules. */
function insertMessage(errno: number): string {
  switch (errno) {
    case EEXIST:
      return 'Module already in kernel';
    case ENOENT:
      return 'Unknown symbol in module, or unknown parameter (see dmesg)';
    default:
      return strerror(errno);
  }
}

/** modbox's own line behind an error, where it knows more than the errno says. */
export function explain<Wait>({ host, log }: ModuleSystem<Wait>, { why }: CallOutcome): void {
  if (why !== undefined && log.priority >= LOG.error) host.err(`modbox: ${why}\n`);
}
