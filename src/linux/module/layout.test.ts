import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseElf, SHF_ALLOC, SHF_EXECINSTR } from '../../formats/elf/index.js';
import { corpusTree } from '../../testing/corpus.js';
import { layoutModule } from './layout.js';

const ORACLE = new URL('../../../../shared/oracle/6.1.0-53-amd64.jsonl', import.meta.url).pathname;

interface Recorded {
  readonly modprobe: { readonly insmod: readonly string[] };
  readonly modules: readonly { readonly name: string; readonly size: number }[];
}

/** Path below lib/modules/RELEASE and size of every module that the recordings list. */
function recordedSizes(): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of readFileSync(ORACLE, 'utf8').split('\n').filter(Boolean)) {
    const { modprobe, modules } = JSON.parse(line) as Recorded;
    const sizes = new Map(modules.map(({ name, size }) => [name, size]));
    for (const inserted of modprobe.insmod) {
      const path = inserted.split(' ')[0];
      const size = sizes.get(path.split('/').at(-1)!.replace('.ko', '').replaceAll('-', '_'));
      if (size !== undefined) found.set(path, size);
    }
  }
  return found;
}

describe('layoutModule', () => {
  it('gives every module the size that the real kernel lists', async ({ skip }) => {
    const tree = await corpusTree();
    if (tree === undefined || !existsSync(ORACLE)) return skip('needs the kernel package and the recordings');
    const wrong: string[] = [];
    const sizes = recordedSizes();
    for (const [path, size] of sizes) {
      const file = join(tree, 'lib/modules/6.1.0-53-amd64', path);
      const [core] = layoutModule(parseElf(readFileSync(file), file), false).memories;
      if (core.size !== size) wrong.push(`${path}: ${core.size}, not ${size}`);
    }
    expect(sizes.size).toBeGreaterThan(1500);
    expect(wrong).toEqual([]);
  });

  it('keeps the symbols that the kernel is configured to keep: all, of functions, none', async ({ skip }) => {
    const tree = await corpusTree();
    if (tree === undefined) return skip('needs the kernel package');
    const file = join(tree, 'lib/modules/6.1.0-53-amd64/kernel/net/bridge/bridge.ko');
    const elf = parseElf(readFileSync(file), file);
    const kept = elf.symbols().filter(({ shndx, name }) => {
      const section = elf.sections[shndx];
      return name !== '' && section && section.flags & SHF_ALLOC && !section.name.startsWith('.init');
    });
    const ofFunctions = kept.filter(({ shndx }) => elf.sections[shndx].flags & SHF_EXECINSTR);
    const bytesOf = (symbols: typeof kept): number =>
      symbols.reduce((sum, { name }) => sum + 24 + 1 + name.length + 1, 24 + 1 + 1);
    const [all, functions, none] = (['all', 'functions', 'none'] as const).map(
      (which) => layoutModule(elf, false, which).memories[0].size,
    );
    const PAGE = 4096;
    expect(Math.abs(all - none - bytesOf(kept))).toBeLessThan(PAGE);
    expect(Math.abs(functions - none - bytesOf(ofFunctions))).toBeLessThan(PAGE);
  });
});
