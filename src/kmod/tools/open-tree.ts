import { confined, type FileSource, infoOf } from '../../files/file-source.js';
import type { FormatError } from '../../formats/format-error.js';
import type { ModprobeConfig } from '../config/modprobe-config.js';
import { readConfig } from '../config/read-config.js';
import { ModuleTree } from '../module-tree.js';
import { LOG, type ToolLog } from './log.js';
import type { ToolHost } from './tool.js';

/** Which tree, and which configuration. */
interface TreePlace {
  /** Directory that lib/modules/RELEASE lies below (`-d`); '' by default. It does not move the configuration. */
  readonly root?: string | undefined;
  /** `-S`; the host's by default. */
  readonly release?: string | undefined;
  /** `-C`; modprobe.d by default, nothing at all if empty. */
  readonly configPaths?: readonly string[];
}

/**
 * Opens the modules that a tool is for, and tells what is wrong with the configuration, as kmod_new(3) does:
 * before the tool's own log is set up, so that `-q` does not silence it ($KMOD_LOG does).
 */
export function openTree<Wait>(host: ToolHost<Wait>, log: ToolLog, place: TreePlace = {}): ModuleTree {
  const release = place.release ?? host.release;
  const directory = host.absolute(`${place.root ?? ''}/lib/modules/${release}`);
  const { modules, indexCache } = host;
  const files = place.root === undefined ? host.files : confined(host.files, host.absolute(place.root));
  const tree = new ModuleTree(files, {
    release,
    directory,
    complain: (text, damage) => (damage ? tellDamage(host, log, damage) : log.error(`${text}\n`)),
    ...(place.configPaths && { configPaths: place.configPaths }),
    ...(modules?.directory === directory && { like: modules }),
    ...(indexCache && { cache: indexCache }),
  });
  // A machine's own tree was looked at when it was booted, and may be a package that is better left packed.
  if (place.configPaths?.length === 0) {
    if (!modules) tellIndexConfig(host, files, directory);
  } else tellProblems(host, tree.config);
  return tree;
}

/**
 * What kmod_new(3) says of depmod's own files of configuration, which it reads for every command, also for those that have no
 * modprobe.d. `directory` is lib/modules/RELEASE.
 */
export function tellIndexConfig(
  host: Pick<ToolHost<never>, 'environment' | 'err'>,
  files: FileSource,
  directory: string,
): void {
  tellProblems(host, readConfig(files, { moduleDirectory: directory, paths: [], cmdline: '' }));
}

function tellProblems(
  host: Pick<ToolHost<never>, 'environment' | 'err'>,
  { problems }: Pick<ModprobeConfig, 'problems'>,
): void {
  if (libraryPriority(host.environment.KMOD_LOG) < LOG.error) return;
  for (const { reporter, text } of problems) host.err(`libkmod: ERROR: ${reporter}: ${text}\n`);
}

/**
 * Damage of an index: what libkmod's log says of it, if anything, and behind it a line of modbox's own that says where.
 * Without that line nobody would know which file it is.
 */
function tellDamage<Wait>(
  host: ToolHost<Wait>,
  log: ToolLog,
  { message, field, detail, file }: FormatError,
): void {
  const numbers =
    /(\w+) instead of (\w+)$/
      .exec(detail)
      ?.slice(1)
      .map((text) => text.replace(/^0x/, '')) ?? [];
  const text = numbers.join(' instead of ');
  if (field === 'magic') log.error(`magic check fail: ${text}\n`);
  if (field === 'version') log.error(`major version check fail: ${text}\n`);
  // What cannot be mapped is told of as mmap(2) is called; the descriptor is the first one that a process opens.
  if (field === 'file') {
    const size = infoOf(host.files, file)?.size ?? 0;
    log.error(`mmap(NULL, ${size}, PROT_READ, MAP_PRIVATE, 3, 0): No such device\n`);
  }
  if (log.priority >= LOG.error) host.err(`modbox: ${message}\n`);
}

/** $KMOD_LOG: a number of syslog(3), or the start of err, info or debug. */
function libraryPriority(text: string | undefined): number {
  if (text === undefined) return LOG.error;
  const number = /^\s*([+-]?\d+)(?=\s|$)/.exec(text);
  if (number) return Number(number[1]);
  if (text.startsWith('err')) return LOG.error;
  if (text.startsWith('info')) return LOG.info;
  return text.startsWith('debug') ? LOG.debug : 0;
}
