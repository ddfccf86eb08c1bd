import { cleanPath, type FileEntry, type FileSource, infoOf } from '../../files/file-source.js';
import { PATH_MAX } from '../../files/limits.js';
import { asByteText } from '../byte-text.js';
import type { DepmodConfig } from './config.js';
import { DepmodFailure, type Say } from './messages.js';
import { isModulePath, moduleNameOfPath } from './names.js';
import { keepsItsPlace } from './priority.js';

/** A module's file. `file` is its path in the file source, all else byte text. */
export interface ModuleOnDisk {
  readonly file: string;
  readonly path: string;
  readonly name: string;
  /** From lib/modules/RELEASE on; undefined for what is elsewhere. */
  readonly relativePath: string | undefined;
}

/** Deeper trees come of links that lead in a circle; each open directory takes a file number of kmod's. */
export const MAX_DEPTH = 200;

/** `directory` is lib/modules/RELEASE. */
export function foundModule(directory: string, file: string): ModuleOnDisk {
  const path = asByteText(file);
  return {
    file,
    path,
    name: moduleNameOfPath(path),
    relativePath: file.startsWith(`${directory}/`) ? asByteText(file.slice(directory.length + 1)) : undefined,
  };
}

/**
 * The modules below lib/modules/RELEASE and in external directories: of several of one name the one that the
 * configuration prefers. Throws {@link DepmodFailure} where there is no such directory.
 */
export function searchModules(
  files: FileSource,
  directory: string,
  config: DepmodConfig,
  say: Say,
): ModuleOnDisk[] {
  const search = new Search(files, directory, config, say);
  const problem = search.start(directory);
  if (problem !== undefined) {
    say('fatal', `could not search modules: ${problem}\n`);
    throw new DepmodFailure();
  }
  // A relative one would be of where the process is: what an image says does not decide that.
  for (const external of config.externals) search.start(external.startsWith('/') ? external : `/${external}`);
  return search.modules;
}

class Search {
  private readonly byName = new Map<string, ModuleOnDisk>();
  private readonly byteDirectory: string;

  constructor(
    private readonly files: FileSource,
    private readonly directory: string,
    private readonly config: DepmodConfig,
    private readonly say: Say,
  ) {
    this.byteDirectory = asByteText(directory);
  }

  get modules(): ModuleOnDisk[] {
    return [...this.byName.values()];
  }

  /** What is wrong with a directory to search, if anything. */
  start(path: string): string | undefined {
    const entries = this.files.list(path);
    if (!entries) {
      const problem = problemOfDirectory(this.files, path);
      this.say('error', `could not open directory ${path}: ${problem}\n`);
      return problem;
    }
    this.walk(path, entries, [cleanPath(path)]);
    return undefined;
  }

  /** `trail` holds the directories that are being walked, without links. */
  private walk(path: string, entries: readonly FileEntry[], trail: readonly string[]): void {
    // kmod's numbers of open files show in its messages: 3 is the first directory.
    const fd = 2 + trail.length;
    for (const { name, kind } of entries) {
      if (this.isExcluded(name)) continue;
      const below = `${path}/${name}`;
      if (kind === 'file') this.add(name, below);
      else if (kind === 'directory') this.enter(name, below, fd, trail);
      else this.say('error', this.problemOf(name, below, fd));
    }
  }

  private enter(name: string, path: string, fd: number, trail: readonly string[]): void {
    const parent = trail[trail.length - 1];
    const info = this.files.info?.(path);
    const real = info?.kind === 'symlink' ? resolved(parent, info.target ?? '') : `${parent}/${name}`;
    const circle = trail.includes(real) || trail.length >= MAX_DEPTH;
    const entries = circle ? undefined : this.files.list(path);
    if (entries) {
      this.walk(path, entries, [...trail, real]);
      return;
    }
    const problem = circle ? 'Too many levels of symbolic links' : 'Permission denied';
    this.say('error', `openat(${fd}, ${name}, O_RDONLY): ${problem}\n`);
  }

  private add(name: string, file: string): void {
    if (!isModulePath(name)) return;
    const module = foundModule(this.directory, file);
    const old = this.byName.get(module.name);
    if (old && keepsItsPlace(this.config, this.byteDirectory, old, module)) {
      this.say('debug', `Ignored lower priority: ${file}, higher: ${old.file}\n`);
      return;
    }
    if (old)
      this.say(
        'debug',
        `Replace lower priority ${old.relativePath ?? old.path} with new module ${file.slice(this.directory.length + 1)}\n`,
      );
    if (file.length >= PATH_MAX) {
      this.say('error', `could not create module ${file}: File name too long\n`);
      return;
    }
    this.byName.set(module.name, module);
  }

  private isExcluded(name: string): boolean {
    return name === 'build' || name === 'source' || this.config.excludes.includes(asByteText(name));
  }

  /** What is neither a file nor a directory: a link that leads nowhere, or a device. */
  private problemOf(name: string, path: string, fd: number): string {
    const info = this.files.info?.(path);
    if (info?.kind === 'symlink' && this.files.stamp?.(path) === undefined)
      return `fstatat(${fd}, ${name}): No such file or directory\n`;
    return `unsupported file type ${path}: ${(info?.format ?? 0).toString(8)}\n`;
  }
}

/** Where a link leads, as far as its text tells. */
function resolved(from: string, target: string): string {
  return cleanPath(target.startsWith('/') ? target : `${from}/${target}`);
}

/** Why there is no list of a directory's names. */
export function problemOfDirectory(files: FileSource, path: string): string {
  const info = infoOf(files, path);
  if (!info) return 'No such file or directory';
  return info.kind === 'file' ? 'Not a directory' : 'Permission denied';
}
