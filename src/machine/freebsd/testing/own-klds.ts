import { readFileSync } from 'node:fs';
import { MemoryFiles } from '../../../files/file-source.js';
import type { FreebsdTarget } from '../../../target/index.js';
import { loadBundled } from '../../../target/node/index.js';
import { FreebsdMachine, type FreebsdMachineOptions } from '../machine.js';

const FIXTURES = new URL('../../../../tests/modules/freebsd/', import.meta.url);

/** A tree with fixtures of tests/modules/freebsd in /boot/modules, and other files. */
export function treeOf(klds: readonly string[], others: Readonly<Record<string, string>> = {}): MemoryFiles {
  return new MemoryFiles([
    ...Object.entries(others),
    ...klds.map(
      (name) => [`/boot/modules/${name}`, new Uint8Array(readFileSync(new URL(name, FIXTURES)))] as const,
    ),
  ]);
}

/** The bundled FreeBSD on such a tree. */
export function bootWith(
  klds: readonly string[],
  others: Readonly<Record<string, string>> = {},
  options: Partial<FreebsdMachineOptions> = {},
): FreebsdMachine {
  const target = loadBundled('freebsd/14.2-amd64') as FreebsdTarget;
  return FreebsdMachine.boot({ target, files: treeOf(klds, others), ...options });
}
