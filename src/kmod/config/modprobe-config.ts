import { type FileSource, readText } from '../file-source.js';
import type { SoftDependency } from '../index/module-index.js';
import { normalizeName } from '../names.js';
import { parseConfigFile } from './parse-config.js';

export interface ConfigAlias {
  /** May hold wildcards. */
  readonly alias: string;
  readonly module: string;
}

export interface ConfigText {
  readonly module: string;
  /** Options, or a command line. */
  readonly text: string;
}

/** What modprobe.d says, in the order in which it is read. */
export interface ModprobeConfig {
  readonly aliases: ConfigAlias[];
  readonly options: ConfigText[];
  readonly install: ConfigText[];
  readonly remove: ConfigText[];
  readonly blacklist: string[];
  readonly softDependencies: SoftDependency[];
  /** Lines that make no sense: file, number of the line, and why. */
  readonly problems: string[];
}

/** Where configuration is looked for. A file hides those of the same name in later directories (modprobe.d(5)). */
export const CONFIG_DIRECTORIES = [
  '/etc/modprobe.d',
  '/run/modprobe.d',
  '/usr/local/lib/modprobe.d',
  '/usr/lib/modprobe.d',
  '/lib/modprobe.d',
] as const;

export function emptyConfig(): ModprobeConfig {
  return {
    aliases: [],
    options: [],
    install: [],
    remove: [],
    blacklist: [],
    softDependencies: [],
    problems: [],
  };
}

/**
 * Reads the configuration. `softdepFile` is depmod's modules.softdep, which takes its place among the files by
 * its name.
 */
export function readConfig(
  files: FileSource,
  root: string,
  softdepFile: string,
  cmdline = '',
): ModprobeConfig {
  const config = emptyConfig();
  for (const path of configFiles(files, root, softdepFile)) {
    const text = readText(files, path);
    if (text !== undefined) parseConfigFile(config, text, path);
  }
  readCmdline(config, cmdline);
  return config;
}

function configFiles(files: FileSource, root: string, softdepFile: string): string[] {
  const byName = new Map<string, string>();
  for (const directory of CONFIG_DIRECTORIES) {
    for (const { name, kind } of files.list(`${root}${directory}`) ?? []) {
      if (kind === 'directory' || name.startsWith('.') || !/\.(conf|alias)$/.test(name)) continue;
      if (!byName.has(name)) byName.set(name, `${root}${directory}/${name}`);
    }
  }
  byName.set('modules.softdep', softdepFile);
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** `modprobe.blacklist=a,b` and `MODULE.PARAMETER=VALUE` of the kernel's command line (modprobe.d(5)). */
function readCmdline(config: ModprobeConfig, cmdline: string): void {
  for (const word of cmdline.match(/(?:"[^"]*"|\S)+/g) ?? []) {
    if (word === '--') return;
    const parameter = /^([^.=]+)\.([^=]+)(=.*)?$/.exec(word);
    if (!parameter) continue;
    const [, module, name, value = ''] = parameter;
    if (module === 'modprobe' && name === 'blacklist')
      config.blacklist.push(...value.slice(1).split(',').filter(Boolean).map(normalizeName));
    else config.options.push({ module: normalizeName(module), text: `${name}${value}` });
  }
}
