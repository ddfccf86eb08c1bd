import type { Effect, Sleepable } from '../../kernel/effects.js';
import { modulesToLoad } from '../../kmod/modules-load.js';
import { openLog } from '../../kmod/tools/open-log.js';
import { openTree } from '../../kmod/tools/open-tree.js';
import { type ModuleSystem, moduleState, probeInsert } from '../../kmod/tools/probe.js';
import { strerror } from '../../linux/errno.js';
import type { FaultReport } from '../../linux/traps/report.js';
import { hangText } from '../base-machine.js';
import type { Terminal } from '../terminal.js';
import type { Machine } from './machine.js';
import { machineHost } from './userland/machine-host.js';

/** What loading the modules of a boot came to. */
export interface BootOutcome {
  /** Modules that went in, without what they depend on. */
  readonly inserted: readonly string[];
  /** systemd-modules-load's messages of what failed, and modbox's own of the reason: a line each. */
  readonly messages: readonly string[];
  /** Faults that happened meanwhile. */
  readonly faults: readonly FaultReport[];
  /** The module that the first fault was in; undefined where there was none. */
  readonly culprit: string | undefined;
}

const PROGRAM = 'systemd-modules-load';
/** As the kernel cuts a task's comm off. */
const COMM = PROGRAM.slice(0, 15);

/**
 * Loads what modules-load.d and the command line's modules-load= ask for, as systemd-modules-load(8) does when a system
 * boots: modprobe.d's blacklists count, and what fails does not stop the rest. An oops ends the process that loads, as it
 * would the service; the boot goes on.
 */
export function loadBootModules(machine: Machine): BootOutcome {
  const { kernel } = machine;
  const wanted = modulesToLoad(machine.files, kernel.cmdline);
  if (wanted.length === 0) return { inserted: [], messages: [], faults: [], culprit: undefined };
  const { reports } = kernel.traps;
  const before = reports.length;
  const inserted: string[] = [];
  const messages: string[] = [];
  const body = function* (terminal: Terminal): Sleepable<number> {
    const host = machineHost(machine, { terminal });
    const log = openLog(host, PROGRAM);
    const system = { host, log, tree: openTree(host, log), environment: {} };
    for (const { name } of wanted) yield* loadOne(system, name, inserted, messages);
    return 0;
  };
  const end = machine.process(COMM, body);
  messages.push(...end.stderr.split('\n').filter((line) => line !== ''));
  if (end.hangs) messages.push(hangText());
  const faults = reports.slice(before);
  const culprit = faults.find(({ module }) => module !== '')?.module;
  return { inserted, messages, faults, culprit };
}

/** module_load_and_warn() of systemd. */
function* loadOne(
  system: ModuleSystem<Effect>,
  name: string,
  inserted: string[],
  messages: string[],
): Sleepable<void> {
  const found = system.tree.resolve(name);
  if (found.length === 0) messages.push(`Failed to find module '${name}'`);
  for (const module of found) {
    const state = moduleState(system, module);
    if (state === 'live' || state === 'builtin' || module.blacklisted) continue;
    const { errno, why } = yield* probeInsert(system, module, '', { useBlacklist: true });
    if (errno === 0) {
      inserted.push(module.name);
      continue;
    }
    messages.push(`Failed to insert module '${module.name}': ${strerror(errno)}`);
    if (why) messages.push(`modbox: ${why}`);
  }
}
