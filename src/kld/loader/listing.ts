import { type FileSource, infoOf } from '../../files/file-source.js';
import { ENOENT } from '../../freebsd/errno.js';
import { loaderStrerror } from './loader-errors.js';
import type { PreloadedFile } from './preloaded.js';

/** What a command shows, or what is wrong. */
export type Shown = { readonly text: string } | { readonly problem: string };

/** `ls [-l] [PATH]`: a file, or a directory's name and what is in it. */
export function listFiles(files: FileSource, path: string, long: boolean): Shown {
  const line = (kind: string, size: number, name: string): string =>
    long ? ` ${kind} ${String(size).padStart(8)} ${name}\n` : ` ${kind}  ${name}\n`;
  const bytes = path === '' ? undefined : files.read(path);
  if (bytes && !files.list(path)) return { text: line(' ', bytes.length, path) };
  const directory = path === '' ? '/' : path;
  const entries = files.list(directory);
  if (!entries) return { problem: `open '${directory}' failed: ${loaderStrerror(ENOENT)}` };
  const lines = entries.map(({ name }) => {
    const place = `${directory}/${name}`;
    const info = infoOf(files, place);
    const size = info?.kind === 'symlink' ? (files.read(place)?.length ?? 0) : (info?.size ?? 0);
    return line(kindLetter(info?.kind, info?.format), size, name);
  });
  return { text: `${directory}\n${lines.join('')}` };
}

/** By the type bits of st_mode; a regular file has none. */
const LETTERS: Readonly<Record<number, string>> = {
  1: 'f',
  2: 'c',
  4: 'd',
  6: 'b',
  10: 'l',
  12: 's',
  14: 'w',
};

function kindLetter(kind: string | undefined, format: number | undefined): string {
  if (kind === 'directory') return 'd';
  if (kind === 'symlink') return 'l';
  return LETTERS[(format ?? 0) >>> 12] ?? ' ';
}

/** `lsmod [-v]`. */
export function listPreloaded(files: readonly PreloadedFile[], verbose: boolean): string {
  return files
    .map(({ address, path, type, size, args, modules, metadata }) => {
      const lines = [` 0x${address.toString(16)}: ${path} (${type}, 0x${size.toString(16)})\n`];
      if (args !== '') lines.push(`    args: ${args}\n`);
      if (modules.length > 0)
        lines.push(`  modules: ${modules.map(({ name, version }) => `${name}.${version} `).join('')}\n`);
      if (verbose)
        for (const md of metadata)
          lines.push(`      0x${md.type.toString(16).padStart(4, '0')}, 0x${md.size.toString(16)}\n`);
      return lines.join('');
    })
    .join('');
}
