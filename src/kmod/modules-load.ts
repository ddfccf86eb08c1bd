import { type FileSource, readText } from '../files/file-source.js';

/** Where lists of modules to load at boot are, by falling precedence (modules-load.d(5)); /lib is for split trees. */
const MODULES_LOAD_DIRECTORIES: readonly string[] = [
  '/etc/modules-load.d',
  '/run/modules-load.d',
  '/usr/local/lib/modules-load.d',
  '/usr/lib/modules-load.d',
  '/lib/modules-load.d',
];

/** A module that is to be loaded at boot. */
interface BootModule {
  /** Name or alias, as it was written. */
  readonly name: string;
  /** `FILE:LINE`, or `kernel command line`. */
  readonly from: string;
}

const SUFFIX = '.conf';
const COMMENTS = '#;';
const ON_CMDLINE = /^(rd\.)?modules[-_]load=(.*)$/;

/** The way to boot without all that (kernel-command-line(7)). */
const MASKED = 'systemd.mask=systemd-modules-load.service';

/**
 * What systemd-modules-load(8) loads, in its order: first the command line's `modules-load=` (`rd.modules-load=` before
 * that, which is for the initial RAM disk), then the files of modules-load.d, by name wherever they are. A file hides
 * those of its name in directories behind its own, also where it is empty or leads to /dev/null. Nothing where the command line
 * masks the service.
 */
export function modulesToLoad(files: FileSource, cmdline: string): BootModule[] {
  if (words(cmdline).includes(MASKED)) return [];
  return [...fromCmdline(cmdline), ...modulesLoadFiles(files).flatMap((path) => fromFile(files, path))];
}

function modulesLoadFiles(files: FileSource): string[] {
  const byName = new Map<string, string>();
  for (const directory of MODULES_LOAD_DIRECTORIES)
    for (const { name, kind } of files.list(directory) ?? [])
      if (kind !== 'directory' && name.endsWith(SUFFIX) && !name.startsWith('.') && !byName.has(name))
        byName.set(name, `${directory}/${name}`);
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** A name a line; the whole line is the name, and modules take no parameters here. */
function fromFile(files: FileSource, path: string): BootModule[] {
  const lines = (readText(files, path) ?? '').split('\n');
  return lines.flatMap((line, i) => {
    const name = line.trim();
    return name === '' || COMMENTS.includes(name[0]) ? [] : [{ name, from: `${path}:${i + 1}` }];
  });
}

function fromCmdline(cmdline: string): BootModule[] {
  const given = words(cmdline).flatMap((word) => {
    const [, initrd, list] = ON_CMDLINE.exec(word) ?? [];
    return list === undefined
      ? []
      : [{ initrd: initrd !== undefined, names: list.split(',').filter(Boolean) }];
  });
  const ordered = [...given.filter(({ initrd }) => initrd), ...given.filter(({ initrd }) => !initrd)];
  return ordered.flatMap(({ names }) => names.map((name) => ({ name, from: 'kernel command line' })));
}

/** Words of a command line; double quotes keep blanks, and are taken off. */
function words(cmdline: string): string[] {
  return (cmdline.match(/(?:"[^"]*"?|[^\s"])+/g) ?? []).map((word) => word.replaceAll('"', ''));
}
