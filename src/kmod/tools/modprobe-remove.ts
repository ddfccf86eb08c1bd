import { EAGAIN, EBUSY, EEXIST, ENOENT, strerror } from '../../linux/errno.js';
import { type FoundModule, Lookup } from '../found-module.js';
import { LOG } from './log.js';
import { explain } from './modprobe-insert.js';
import type { ModprobeOptions } from './modprobe-options.js';
import { type ModuleSystem, moduleState, withOptions } from './probe.js';
import type { CallOutcome, Steps } from './tool.js';

/** modprobe(8) `-r` of what one name or alias stands for. True if it worked. */
export function* modprobeRemove<Wait>(
  system: ModuleSystem<Wait>,
  name: string,
  options: ModprobeOptions,
): Steps<Wait, boolean> {
  const lookup = new Lookup(system.tree);
  const { given } = system.host;
  const isGiven = given && name === given.file.path;
  const found = isGiven ? [lookup.given(given.file, given.name)] : lookup.resolve(name);
  if (!found) return false;
  const remover = new Remover(system, options, lookup);
  if (found.length === 0) remover.complain(`Module ${name} not found.\n`);
  for (const module of found)
    if (yield* remover.module(module, { holders: options.removeHolders, ignoreBuiltin: false })) return false;
  return found.length > 0;
}

interface RemoveFlags {
  /** Remove the modules that hold it too. */
  readonly holders: boolean;
  readonly ignoreBuiltin: boolean;
}

const SOFT: RemoveFlags = { holders: false, ignoreBuiltin: true };

/** Removing one module, with what goes before and after it. Methods give an errno, 0 if all went well. */
class Remover<Wait> {
  /** Modules that are being removed: soft dependencies may lead back to them. */
  private readonly underWay = new Set<FoundModule>();

  constructor(
    private readonly system: ModuleSystem<Wait>,
    private readonly options: ModprobeOptions,
    private readonly lookup: Lookup,
  ) {}

  /** Fatal for one module, a warning where several are given (`-a`). */
  complain(text: string): void {
    this.system.log.say(this.options.all ? 'warning' : 'fatal', text);
  }

  *module(module: FoundModule, flags: RemoveFlags): Steps<Wait, number> {
    if (this.underWay.has(module)) return 0;
    this.underWay.add(module);
    const errno = yield* this.surrounded(module, flags);
    this.underWay.delete(module);
    return errno;
  }

  private *surrounded(module: FoundModule, flags: RemoveFlags): Steps<Wait, number> {
    const { options } = this;
    const soft = options.ignoreCommands ? undefined : module.softDependencies;
    const command = options.ignoreCommands ? undefined : module.removeCommand;
    if (command === undefined && !options.showDepends) {
      const absent = this.notThere(module, flags);
      if (absent !== undefined) return absent;
    }
    yield* this.all(soft?.post ?? [], false);
    if (flags.holders) {
      const names = this.system.host.kernel.holders(module.name);
      const errno = yield* this.all(
        names.map((name) => this.lookup.byName(name)),
        true,
      );
      if (errno !== 0) return errno;
    }
    const errno = yield* this.itself(module, command);
    if (errno !== 0) return errno;
    if (command === undefined) yield* this.unusedNow(module);
    yield* this.all(soft?.pre ?? [], false);
    return 0;
  }

  /** The errno where there is nothing to remove; undefined where there is. */
  private notThere(module: FoundModule, flags: RemoveFlags): number | undefined {
    switch (moduleState(this.system, module)) {
      case 'absent':
        if (!this.options.firstTime) return 0;
        this.complain(`Module ${module.name} is not in kernel.\n`);
        return ENOENT;
      case 'builtin':
        if (flags.ignoreBuiltin) return 0;
        this.complain(`Module ${module.name} is builtin.\n`);
        return ENOENT;
      default:
        return undefined;
    }
  }

  /** Soft dependencies or holders, last first. */
  private *all(modules: readonly FoundModule[], stopOnErrors: boolean): Steps<Wait, number> {
    for (const module of [...modules].reverse()) {
      const errno = yield* this.module(module, SOFT);
      if (errno !== 0 && stopOnErrors) return errno;
    }
    return 0;
  }

  private *itself(module: FoundModule, command: string | undefined): Steps<Wait, number> {
    const { options, system } = this;
    if (command !== undefined) return yield* this.command(module, command);
    if (!options.showDepends && options.wait === 0 && (system.host.kernel.refcount(module.name) ?? 0) > 0) {
      this.complain(`Module ${module.name} is in use.\n`);
      return EBUSY;
    }
    return yield* this.removeModule(module);
  }

  /** What it used, where nobody does any more: errors do not matter. */
  private *unusedNow(module: FoundModule): Steps<Wait, void> {
    for (const dependency of module.dependencies)
      if (this.system.host.kernel.refcount(dependency.name) === 0) yield* this.removeModule(dependency);
  }

  private *command(module: FoundModule, text: string): Steps<Wait, number> {
    const { host, environment } = this.system;
    const command = withOptions(text, '');
    this.show(`remove ${command}\n`);
    if (this.options.dryRun) return 0;
    const status = yield* host.kernel.shell(command, { ...environment, MODPROBE_MODULE: module.name });
    if (status !== 0) this.complain(`Error running remove command for ${module.name}\n`);
    return status;
  }

  private *removeModule(module: FoundModule): Steps<Wait, number> {
    const { options, system } = this;
    const { name } = module;
    this.show(`rmmod ${name}\n`);
    if (options.dryRun) return 0;
    const outcome = options.wait > 0 ? yield* this.patiently(name) : yield* this.call(name);
    if (outcome.errno === EEXIST) {
      if (!options.firstTime) return 0;
      this.complain(`Module ${name} is not in kernel.\n`);
    } else if (outcome.errno !== 0) {
      // Without -w libkmod says it, with it modprobe does: to the reader it is the same.
      system.log.error(`could not remove '${name}': ${strerror(outcome.errno)}\n`);
      explain(system, outcome);
    }
    return outcome.errno;
  }

  private *call(name: string): Steps<Wait, CallOutcome> {
    return yield* this.system.host.kernel.remove(name, this.options.force);
  }

  /**
   * Tries again while the module is in use, after 2, 4, 8... ms, until the time is up. kmod 34 then ends with
   * success, or never; here that is the failure that it is.
   */
  private *patiently(name: string): Steps<Wait, CallOutcome> {
    const { kernel } = this.system.host;
    let end: number | undefined;
    let pause = 1;
    for (;;) {
      const outcome = yield* this.call(name);
      if (outcome.errno !== EAGAIN) return outcome;
      const now = kernel.now();
      end ??= now + this.options.wait;
      if (now >= end) return outcome;
      pause = Math.min(pause * 2, end - now);
      yield* kernel.sleep(pause);
    }
  }

  private show(text: string): void {
    const { showDepends, verbosity } = this.options;
    if (showDepends || verbosity > LOG.warning) this.system.host.out(text);
  }
}
