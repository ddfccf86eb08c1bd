import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mutate } from '../../testing/mutate.js';
import { Random } from '../../testing/random.js';
import { FormatError } from '../format-error.js';
import { type HintsRecord, parseKld, readLinkerHints, writeLinkerHints } from './index.js';

const FOLDER = join(import.meta.dirname, '../../../tests/modules/freebsd/hints');
const VARIANTS = 1500;

/** Reads damaged copies: each time all is well, or a FormatError says where it is not. How many were refused. */
function attack(original: Uint8Array, seed: number, read: (bytes: Uint8Array) => void): number {
  const random = new Random(seed);
  let refused = 0;
  for (let variant = 0; variant < VARIANTS; variant++) {
    const bytes = mutate(original, random, [[0, original.length]]);
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof FormatError))
        throw new Error(`seed ${seed}, variant ${variant}`, { cause: error });
      expect(error.message).toMatch(/^evil: .+ \(at -?0x[0-9a-f]+\): ./);
      refused++;
    }
  }
  return refused;
}

function readAll(bytes: Uint8Array): void {
  const kld = parseKld(bytes, 'evil');
  for (const entry of kld.metadata()) {
    if (entry.kind === 'pnp') kld.pnpEntries(entry);
    if (entry.kind === 'module') kld.moduleData(entry);
  }
}

describe('damaged files of FreeBSD', () => {
  it.each(['devices.ko', 'broken.ko', 'library.ko', 'kernel'])('%s: metadata', (name) => {
    const bytes = new Uint8Array(readFileSync(join(FOLDER, name)));
    expect(attack(bytes, 14, readAll)).toBeGreaterThan(VARIANTS / 10);
  });

  it('linker.hints', () => {
    const records: readonly HintsRecord[] = [
      { kind: 'module', name: 'a_pci', file: 'a.ko' },
      { kind: 'version', name: 'a', version: 1, file: 'a.ko' },
      { kind: 'pnp', bus: 'pci', description: 'I:vendor;Z:name;', count: 2, values: [1, 'x', 2, 'y'] },
    ];
    const refused = attack(writeLinkerHints(records), 15, (bytes) => void readLinkerHints(bytes, 'evil'));
    expect(refused).toBeGreaterThan(VARIANTS / 4);
  });
});
