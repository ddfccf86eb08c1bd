import { confined, type FileSource } from '../../files/file-source.js';
import { asByteText } from '../byte-text.js';
import { readDepmodConfig } from '../depmod/config.js';
import { readFacts } from '../depmod/facts.js';
import { indexJson } from '../depmod/index-json.js';
import { type KernelSymbols, kernelSymbols } from '../depmod/kernel-symbols.js';
import { type IndexInputs, type MadeIndex, makeIndex } from '../depmod/make-index.js';
import { DepmodFailure, type Message, type Say } from '../depmod/messages.js';
import { modulesByPath } from '../depmod/named-modules.js';
import { type ModuleOnDisk, problemOfDirectory, searchModules } from '../depmod/search.js';
import { treeFile } from '../depmod/tree-file.js';
import { isUpToDate } from '../depmod/up-to-date.js';
import { type DepmodOptions, depmodCommand, HELP } from './depmod-options.js';
import { writeIndex } from './depmod-output.js';
import { LOG, ToolExit, ToolLog } from './log.js';
import { tellIndexConfig } from './open-tree.js';
import type { Steps, Tool, ToolHost } from './tool.js';
import { VERSION_TEXT } from './version.js';

/** What depmod needs of where it runs: it asks nothing of a running kernel. */
export type DepmodHost = Pick<
  ToolHost<never>,
  'files' | 'writer' | 'absolute' | 'release' | 'environment' | 'out' | 'err'
>;

/** Makes an index of modules that are read from `files`, or finds it where one was kept; may wait. */
type IndexMaker<Wait> = (inputs: IndexInputs, files: FileSource) => Steps<Wait, MadeIndex>;

/** depmod(8), with every module's file read when it is needed. */
export const depmod: Tool = <Wait>(host: ToolHost<Wait>, args: readonly string[]) =>
  depmodWith(host, args, function* (inputs, files) {
    return makeIndex(inputs, (modules) => readFacts(files, modules));
  });

/** depmod(8) with its index made in a certain way. The result is the exit status. */
export function* depmodWith<Wait>(
  host: DepmodHost,
  args: readonly string[],
  make: IndexMaker<Wait>,
): Steps<Wait, number> {
  const log = new ToolLog('depmod', (text) => host.err(text), LOG.warning);
  try {
    const command = depmodCommand(args, (path) => host.absolute(path));
    switch (command.kind) {
      case 'help':
        host.out(HELP);
        return 0;
      case 'version':
        host.out(VERSION_TEXT);
        return 0;
      case 'wrong':
        if (command.message !== undefined) host.err(command.message);
        if (command.fatal !== undefined) log.fatal(command.fatal);
        return 1;
      case 'run':
        return yield* new DepmodRun(host, command.options, command.operands, log).run(make);
    }
  } catch (error) {
    if (error instanceof ToolExit) return error.status;
    if (error instanceof DepmodFailure) return 1;
    throw error;
  }
}

class DepmodRun {
  /** Nothing in the tree of -b leads out of it. */
  private readonly files: FileSource;

  constructor(
    private readonly host: DepmodHost,
    private readonly options: DepmodOptions,
    private readonly operands: readonly string[],
    private readonly log: ToolLog,
  ) {
    this.files = confined(host.files, options.root);
  }

  private readonly say: Say = (level, text) => this.tell({ level, text });

  *run<Wait>(make: IndexMaker<Wait>): Steps<Wait, number> {
    const { host, files, options, operands, log, say } = this;
    const [version, ...paths] = operands;
    if (version !== undefined && !/^\s*[+-]?\d+\.\s*[+-]?\d/.test(version)) {
      log.error(`Bad version passed ${version}\n`);
      return 1;
    }
    const release = version ?? host.release;
    const below = `${options.moduleDirectory.replace(/^\/+/, '')}/${release}`;
    const directory = `${options.root}/${below}`;
    if (options.quick && (options.dryRun || isUpToDate(files, directory, say))) return 0;
    tellIndexConfig(host, files, directory);
    log.priority = LOG.warning + options.verbosity;
    const kernel = this.kernelSymbols();
    const all = options.all || options.quick || paths.length === 0;
    const modules = all ? this.search(directory, release) : modulesByPath(files, directory, paths, say);
    const made = yield* make(this.inputs(directory, modules, kernel), files);
    for (const message of made.messages) this.tell(message);
    if (!made.files) return 1;
    if (!options.dryRun) {
      const status = this.write(options.outputRoot ?? options.root, below, made.files);
      return made.incomplete ? 1 : status;
    }
    if (options.json) host.out(indexJson(made.files));
    else for (const content of made.files.values()) host.out(content);
    return 0;
  }

  private write(root: string, below: string, files: ReadonlyMap<string, Uint8Array>): number {
    const { writer } = this.host;
    return writeIndex(writer?.confined?.(root) ?? writer, `${root}/${below}`, files, this.log);
  }

  private tell({ level, text }: Message): void {
    if (level !== 'shown') this.log.say(level, text);
    else if (this.options.verbosity > 0) this.host.out(text);
  }

  private search(directory: string, release: string): ModuleOnDisk[] {
    const { files } = this;
    const config = readDepmodConfig(files, release, this.say, this.options.configPaths);
    return searchModules(files, directory, config, this.say);
  }

  private kernelSymbols(): KernelSymbols | undefined {
    const { symvers, systemMap, reportUnknown, symbolPrefix } = this.options;
    const file = symvers ?? systemMap;
    if (file === undefined) {
      if (reportUnknown) this.log.warning('-e needs -E or -F\n');
      return undefined;
    }
    const { files } = this.host;
    const content = files.read(file) ?? (files.list(file) ? new Uint8Array() : undefined);
    const kind = symvers === undefined ? 'system-map' : 'symvers';
    if (content) return kernelSymbols(kind, file, content, asByteText(symbolPrefix), this.say);
    this.log.fatal(`could not load ${file}: ${problemOfDirectory(files, file)}\n`);
    throw new DepmodFailure();
  }

  private inputs(
    directory: string,
    modules: readonly ModuleOnDisk[],
    kernel: KernelSymbols | undefined,
  ): IndexInputs {
    const { options, files } = this;
    return {
      directory,
      modules,
      order: treeFile(files, directory, 'modules.order'),
      builtin: treeFile(files, directory, 'modules.builtin'),
      builtinModinfo: treeFile(files, directory, 'modules.builtin.modinfo'),
      ...(kernel ? { kernelSymbols: kernel } : {}),
      symbolPrefix: asByteText(options.symbolPrefix),
      reportUnknown: options.reportUnknown && kernel !== undefined,
      warnDuplicates: options.warnDuplicates,
      textOnly: options.dryRun,
      showNeeds: options.verbosity > 0,
    };
  }
}
