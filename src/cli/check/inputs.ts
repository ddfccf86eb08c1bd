import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type FileSource,
  infoOf,
  isModuleFile,
  type LinuxTarget,
  linuxTarget,
  loadBundled,
  MachineError,
  MemoryFiles,
  type ModprobeConfig,
  ModuleFile,
  ModuleTree,
  readGiven,
  readTarget,
  saidBy,
  sourceOfPath,
  type TargetStore,
  UsageError,
} from '../../index.js';
import { openRoot } from '../open-root.js';

/** A module's file that is to be checked. */
export interface FileToCheck {
  readonly path: string;
  open(): ModuleFile;
}

interface Places {
  readonly root: string | undefined;
  readonly store: TargetStore;
  readonly targets: readonly string[];
}

/** The files that the command line means. Throws UsageError for what is not there. */
export function filesToCheck(
  given: readonly string[],
  tree: string | undefined,
  places: Places,
): FileToCheck[] {
  const files = given.flatMap((word) => filesOf(word, places));
  if (tree !== undefined) files.push(...modulesBelow(tree));
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

function filesOf(word: string, places: Places): FileToCheck[] {
  if (existsSync(word)) return statSync(word).isDirectory() ? modulesBelow(word) : [givenFile(word)];
  if (word.includes('/') || isModuleFile(word)) throw new UsageError(`check: ${word}: no such file`);
  return filesOfName(word, places);
}

/** Is asked for its kernel before it is checked. */
function givenFile(path: string): FileToCheck {
  let file: ModuleFile | undefined;
  return {
    path,
    open() {
      file ??= new ModuleFile(path, readGiven(path));
      return file;
    },
  };
}

function modulesBelow(folder: string): FileToCheck[] {
  if (!existsSync(folder)) throw new UsageError(`check: ${folder}: no such directory`);
  const files = openRoot(folder);
  // Of an image with more than modules only those below lib/modules are meant.
  const paths = modulesIn(files, files.list('/lib/modules') ? '/lib/modules' : '');
  if (paths.length === 0) throw new UsageError(`check: ${folder}: no modules are there`);
  return paths.sort().map((path) => fileIn(files, folder, path));
}

/** Nothing behind a link that leads out of the folder is read. */
function fileIn(files: FileSource, folder: string, path: string): FileToCheck {
  const shown = join(folder, path);
  const open = (): ModuleFile => {
    const bytes = files.read(path);
    if (!bytes) throw new MachineError(`${shown}: no file within ${folder}`);
    return new ModuleFile(shown, bytes);
  };
  return { path: shown, open };
}

function modulesIn(files: FileSource, folder: string): string[] {
  return (files.list(folder || '/') ?? []).flatMap(({ name, kind }) => {
    const path = `${folder}/${name}`;
    // A linked directory is met where it is, or leads in a circle.
    if (kind === 'directory') return infoOf(files, path)?.kind === 'directory' ? modulesIn(files, path) : [];
    return isModuleFile(name) ? [path] : [];
  });
}

/** A module by name or alias, in the tree that is given or that the first target was added from. */
function filesOfName(name: string, { root, store, targets }: Places): FileToCheck[] {
  const target =
    targets.length > 0 && !isPath(targets[0]) && targets[0] !== 'all'
      ? linuxTarget(store.get(targets[0]))
      : loadBundled();
  const directory = root ?? target.tree;
  if (directory === undefined)
    throw new UsageError(`check: ${name}: in which tree? See --root, or name the file`);
  const files = openRoot(directory);
  const tree = new ModuleTree(files, { release: releaseIn(files, target) });
  const found = tree
    .resolve(name)
    .flatMap(({ module }) => (module ? [fileIn(files, directory, tree.pathOf(module))] : []));
  if (found.length === 0)
    throw new UsageError(`check: ${name}: no such module in ${directory}${tree.directory}`);
  return found;
}

/** The target's release, else the only one that is there. */
function releaseIn(files: FileSource, { release }: LinuxTarget): string {
  const releases = (files.list('/lib/modules') ?? []).filter(({ kind }) => kind === 'directory');
  return releases.length === 1 ? releases[0].name : release;
}

/** The kernels to check against. */
export function targetsToCheck(
  names: readonly string[],
  files: readonly FileToCheck[],
  tree: string | undefined,
  store: TargetStore,
): LinuxTarget[] {
  if (names.length === 0) return [defaultTarget(files, tree, store)];
  const targets = names.flatMap((name) => {
    if (name === 'all') return linuxTargetsOf(store);
    return [isPath(name) ? targetOfPath(name) : linuxTarget(store.get(name))];
  });
  return [...new Map(targets.map((target) => [target.name, target])).values()];
}

function linuxTargetsOf(store: TargetStore): LinuxTarget[] {
  const names = store.list().flatMap(({ info }) => (info.os === 'linux' ? [info.name] : []));
  return names.map((name) => linuxTarget(store.get(name)));
}

function isPath(name: string): boolean {
  return name.endsWith('.deb') || ((name.includes('/') || name.startsWith('.')) && existsSync(name));
}

function targetOfPath(path: string): LinuxTarget {
  const { source, release } = sourceOfPath(path);
  return readTarget(source, release === undefined ? {} : { release });
}

/** The kernel of the tree, else the one whose vermagic the first module carries, else the bundled one. */
function defaultTarget(
  files: readonly FileToCheck[],
  tree: string | undefined,
  store: TargetStore,
): LinuxTarget {
  // What is wrong with the file is among the reasons of its verdict.
  const vermagic =
    files.length === 0 ? undefined : saidBy(files[0].open(), ({ modinfo }) => modinfo.get('vermagic'));
  const home = vermagic === undefined ? undefined : store.findByVermagic(vermagic);
  if (home) return home;
  if (tree !== undefined && existsSync(join(tree, 'boot'))) return targetOfPath(tree);
  return loadBundled();
}

/** modprobe.d below a root, and what the command line says of modules. */
export function kernelConfig(
  root: string | undefined,
  { release }: LinuxTarget,
  cmdline: string,
): ModprobeConfig {
  const files = root === undefined ? new MemoryFiles() : openRoot(root);
  return new ModuleTree(files, { release, cmdline }).config;
}

/** A module of a kernel in one of the trees that may have it. */
export function moduleFileIn(
  trees: readonly (string | undefined)[],
  { release }: LinuxTarget,
  path: string,
): Uint8Array | undefined {
  for (const tree of trees) {
    const bytes =
      tree === undefined || !existsSync(tree)
        ? undefined
        : openRoot(tree).read(`/lib/modules/${release}/${path}`);
    if (bytes) return bytes;
  }
  return undefined;
}
