import type { Effect } from '../../../kernel/effects.js';
import { type FileSource, type ModuleTree, OverlayFiles } from '../../../kmod/index.js';
import type { ToolLog } from '../../../kmod/tools/log.js';
import { openLog } from '../../../kmod/tools/open-log.js';
import { openTree } from '../../../kmod/tools/open-tree.js';
import type { ModuleSystem } from '../../../kmod/tools/probe.js';
import type { GivenModule, ToolHost } from '../../../kmod/tools/tool.js';
import type { Terminal } from '../../terminal.js';
import type { Machine } from '../machine.js';
import { MachineFiles } from './machine-files.js';

/** How a command of the machine was started. */
export interface ToolStart {
  readonly terminal: Terminal;
  /** Makes a path absolute; from '/' by default. */
  readonly path?: (given: string) => string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A file that is in nobody's tree, by the path that names it. */
  readonly given?: GivenModule | undefined;
  /**
   * Files of the host that the command's own words may name. Only for commands that somebody typed: what the kernel, a
   * module or a file of the image asks for is not looked for there.
   */
  readonly outside?: FileSource | undefined;
}

/** The machine as a place where kmod's tools run. */
export function machineHost(machine: Machine, start: ToolStart): ToolHost<Effect> {
  const own = new MachineFiles(machine.kernel.files);
  const { given, terminal } = start;
  const outside = new OutsideFiles(start.outside);
  const path = start.path ?? ((text) => (text.startsWith('/') ? text : `/${text}`));
  return {
    files: new OverlayFiles([own, outside]),
    ...(given && { given }),
    absolute(text) {
      const absolute = path(text);
      if (own.stamp(absolute) !== undefined || !outside.offers(text)) return absolute;
      return text;
    },
    release: machine.kernel.target.release,
    environment: start.environment ?? {},
    kernel: machine.system,
    modules: modulesOf(machine, own),
    out: (data) => terminal.out(data),
    err: (text) => terminal.err(text),
  };
}

/** What a tool's parts work with, where they are used without its command line. */
export function machineSystem(machine: Machine, program: string, start: ToolStart): ModuleSystem<Effect> {
  const host = machineHost(machine, start);
  const log: ToolLog = openLog(host, program);
  return { host, tree: openTree(host, log, { configPaths: [] }), log, environment: {} };
}

/** The machine's modules: those it was booted with, unless somebody ran depmod since. */
function modulesOf(machine: Machine, own: MachineFiles): ModuleTree {
  const { tree } = machine;
  const isNew = ['modules.dep', 'modules.dep.bin'].some((name) => own.wasMade(`${tree.directory}/${name}`));
  if (!isNew) return tree;
  return tree.seenThrough(own);
}

/**
 * Files from outside the machine: only those that its user named, so that nothing else of the host (its
 * modprobe.d) gets into it.
 */
class OutsideFiles implements FileSource {
  private readonly named = new Set<string>();

  constructor(private readonly host: FileSource | undefined) {}

  /** Whether there is such a file; from now on it can be read. */
  offers(path: string): boolean {
    if (this.host?.read(path) === undefined) return false;
    this.named.add(path);
    return true;
  }

  read(path: string): Uint8Array | undefined {
    return this.named.has(path) ? this.host?.read(path) : undefined;
  }

  list(): undefined {
    return undefined;
  }
}
