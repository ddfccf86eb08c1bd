import { type FileSource, infoOf } from '../../files/file-source.js';
import { asByteText, byteText, messageText } from '../byte-text.js';
import { untilNul, wordsOf } from './lines.js';
import type { Say } from './messages.js';
import { posixRegex } from './posix-regex.js';

/** Where depmod.d(5) is looked for; a file hides those of its name in later directories. */
const CONFIG_DIRECTORIES: readonly string[] = [
  '/etc/depmod.d',
  '/run/depmod.d',
  '/usr/local/lib/depmod.d',
  '/usr/lib/depmod.d',
  '/lib/depmod.d',
];

type SearchPlace =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'built-in' }
  | { readonly kind: 'external' };

/** depmod.d(5). Every list has what was read last in front, as depmod walks them. Byte text. */
export interface DepmodConfig {
  /** `DIRECTORY/MODULE` without an ending, relative to lib/modules/RELEASE. */
  readonly overrides: readonly string[];
  readonly searches: readonly SearchPlace[];
  readonly externals: readonly string[];
  /** Names of directories that are not searched. */
  readonly excludes: readonly string[];
}

/** What counts where there is no configuration. */
export const DEFAULT_CONFIG: DepmodConfig = {
  overrides: [],
  searches: [{ kind: 'directory', path: 'updates' }],
  externals: [],
  excludes: [],
};

/** Reads the configuration for a kernel release from files and directories, {@link CONFIG_DIRECTORIES} by default. */
export function readDepmodConfig(
  files: FileSource,
  release: string,
  say: Say,
  paths: readonly string[] = CONFIG_DIRECTORIES,
): DepmodConfig {
  const reader = new ConfigReader(asByteText(release), say);
  for (const path of configFiles(files, paths, say)) {
    const content = files.read(path);
    if (content) reader.read(path, byteText(content));
    else say('error', `file parse ${path}: No such file or directory\n`);
  }
  return reader.finish();
}

/** Files to read, by name. */
function configFiles(files: FileSource, paths: readonly string[], say: Say): string[] {
  const byName = new Map<string, string>();
  const add = (directory: string, name: string, path: string): void => {
    if (byName.has(name)) say('debug', `Ignoring duplicate config file: ${directory}/${name}\n`);
    else byName.set(name, path);
  };
  for (const path of paths) {
    const entries = files.list(path);
    if (!entries) {
      const slash = path.lastIndexOf('/');
      if (infoOf(files, path)) add(path.slice(0, Math.max(slash, 0)), path.slice(slash + 1), path);
      else say('debug', `could not stat '${path}': No such file or directory\n`);
      continue;
    }
    for (const { name, kind } of entries)
      if (isConfigFile(path, name, kind, say)) add(path, name, `${path}/${name}`);
    say('debug', `parsed configuration files from ${path}\n`);
  }
  return [...byName].sort(([a], [b]) => (asByteText(a) < asByteText(b) ? -1 : 1)).map(([, path]) => path);
}

function isConfigFile(directory: string, name: string, kind: string, say: Say): boolean {
  if (name.startsWith('.')) return false;
  if (name.length < 6 || !name.endsWith('.conf')) {
    say('info', `All cfg files need .conf: ${directory}/${name}\n`);
    return false;
  }
  if (kind === 'directory') {
    say('error', `Directories inside directories are not supported: ${directory}/${name}\n`);
    return false;
  }
  return true;
}

class ConfigReader {
  private readonly overrides: string[] = [];
  private readonly searches: SearchPlace[] = [];
  private readonly externals: string[] = [];
  private readonly excludes: string[] = [];

  constructor(
    private readonly release: string,
    private readonly say: Say,
  ) {}

  read(file: string, content: string): void {
    for (const { text, number } of wrappedLines(content)) {
      const line = untilNul(text);
      const [command, ...words] = line.startsWith('#') ? [] : wordsOf(line);
      if (command === undefined) continue;
      const where = `${file}:${number}`;
      if (!this.take(where, command, words))
        this.say('error', `${where}: ignoring bad line starting with '${messageText(command)}'\n`);
    }
  }

  finish(): DepmodConfig {
    if (this.searches.length === 0) this.addSearch('updates');
    return {
      overrides: this.overrides.reverse(),
      searches: this.searches.reverse(),
      externals: this.externals.reverse(),
      excludes: this.excludes.reverse(),
    };
  }

  /** False where the line is no command. */
  private take(where: string, command: string, words: readonly string[]): boolean {
    switch (command) {
      case 'search':
        for (const word of words) this.addSearch(word);
        return true;
      case 'override':
        return this.override(where, words);
      case 'external':
        return this.external(where, words);
      case 'exclude':
        for (const word of words) {
          this.excludes.push(word);
          this.say('debug', `exclude add: ${messageText(word)}\n`);
        }
        return true;
      case 'include':
      case 'make_map_files':
        this.say('info', `${where}: command ${command} not implemented yet\n`);
        return true;
      default:
        return false;
    }
  }

  private addSearch(path: string): void {
    const kind = path === 'built-in' || path === 'external' ? path : 'directory';
    this.searches.push(kind === 'directory' ? { kind, path } : { kind });
    const number = { directory: 0, 'built-in': 1, external: 2 }[kind];
    this.say('debug', `search add: ${messageText(path)}, search type=${number}\n`);
  }

  private override(where: string, [module, version, directory]: readonly string[]): boolean {
    if (directory === undefined) return false;
    if (!this.matches(version)) {
      this.say('info', `${where}: override kernel did not match ${messageText(version)}\n`);
      return true;
    }
    this.overrides.push(`${directory}/${module}`);
    this.say('debug', `override add: ${messageText(`${directory}/${module}`)}\n`);
    return true;
  }

  private external(where: string, [version, directory]: readonly string[]): boolean {
    if (directory === undefined) return false;
    if (!this.matches(version)) {
      this.say('info', `${where}: external directory did not match ${messageText(version)}\n`);
      return true;
    }
    this.externals.push(directory);
    this.say('debug', `external add: ${messageText(directory)}\n`);
    return true;
  }

  private matches(pattern: string): boolean {
    return pattern === '*' || (posixRegex(pattern)?.test(this.release) ?? false);
  }
}

interface WrappedLine {
  readonly text: string;
  /** Of its last physical line, from 1. */
  readonly number: number;
}

/** Lines without their ends; a backslash joins a line with the next, and is dropped before anything else. */
function* wrappedLines(content: string): Generator<WrappedLine> {
  let text = '';
  let number = 0;
  for (let at = 0; at < content.length; at++) {
    let character = content[at];
    if (character === '\\') {
      at++;
      if (at >= content.length) break;
      character = content[at];
      if (character === '\n') {
        number++;
        continue;
      }
    } else if (character === '\n') {
      yield { text, number: ++number };
      text = '';
      continue;
    }
    text += character;
  }
  if (text !== '') yield { text, number: number + 1 };
}
