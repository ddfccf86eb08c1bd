import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runProgram } from './compiler.js';

/**
 * Headers that installed ones include and that are not installed, taken from an older source tree: nothing of them
 * changed up to 14.2.
 */
const FILLED = [
  'opencrypto/_cryptodev.h',
  'crypto/sha1.h',
  'crypto/sha2/sha224.h',
  'crypto/sha2/sha256.h',
  'crypto/sha2/sha384.h',
  'crypto/sha2/sha512.h',
  'crypto/sha2/sha512t.h',
] as const;

/** What a build of the kernel generates: headers of kobj interfaces, those of vnode operations, and the options that nobody set. */
export interface GeneratedFrom {
  /** Source tree of the kernel: tools/*.awk, contrib/ck. */
  readonly sources: string;
  /** Folder with the `.m` files and vnode_if.src of the release. */
  readonly interfaces: string;
  /** Folders of installed headers. */
  readonly headers: readonly string[];
}

/** Writes the generated headers into a folder. */
export function generateHeaders(from: GeneratedFrom, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const tool = (name: string): string => join(from.sources, 'tools', name);
  for (const name of readdirSync(from.interfaces).filter((file) => file.endsWith('.m'))) {
    runProgram('awk', ['-f', tool('makeobjops.awk'), join(from.interfaces, name), '-h'], folder);
  }
  for (const option of ['-h', '-p', '-q']) {
    runProgram('awk', ['-f', tool('vnode_if.awk'), join(from.interfaces, 'vnode_if.src'), option], folder);
  }
  for (const name of optionHeaders(from.headers)) writeFileSync(join(folder, name), '');
  for (const path of FILLED) linkInto(folder, path, join(from.sources, path));
  // Written as in the source tree, where x86's headers are one folder further down.
  linkInto(folder, 'x86/include', join(from.headers[0], 'x86'));
}

function linkInto(folder: string, path: string, target: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  symlinkSync(target, join(folder, path));
}

function optionHeaders(folders: readonly string[]): Set<string> {
  const names = new Set(['opt_global.h']);
  for (const folder of folders) {
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!path.endsWith('.h')) continue;
      const text = readFileSync(join(folder, path), 'latin1');
      for (const [, name] of text.matchAll(/"(opt_\w+\.h)"/g)) names.add(name);
    }
  }
  return names;
}
