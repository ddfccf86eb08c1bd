import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DiskFiles } from '../kmod/node/disk-files.js';
import { Machine } from '../machine/linux/machine.js';
import { DiskIndexCache } from '../machine/linux/node/index-cache.js';
import { loadBundled } from '../target/node/index.js';
import { CORPUS_RELEASE, corpusTree } from '../testing/corpus.js';
import { Linker } from './testing/link-only.js';

/** What the real kernel listed after it loaded each module: see the oracle's README. */
const ORACLE = fileURLToPath(new URL(`../../../shared/oracle/${CORPUS_RELEASE}.jsonl`, import.meta.url));
/** Modules that are in memory together, at most: there is room for many more. */
const TOGETHER = 300;

const tree = await corpusTree();

/** Sizes in lsmod on the real kernel, by name. */
function recordedSizes(): Map<string, number> {
  const sizes = new Map<string, number>();
  if (!existsSync(ORACLE)) return sizes;
  for (const line of readFileSync(ORACLE, 'utf8').split('\n').filter(Boolean)) {
    const { modules } = JSON.parse(line) as { modules: readonly { name: string; size: number }[] };
    for (const { name, size } of modules) sizes.set(name, size);
  }
  return sizes;
}

describe.skipIf(tree === undefined)('the modules of a whole distribution', () => {
  const machine = (): Machine =>
    Machine.boot({
      target: loadBundled(),
      files: new DiskFiles(tree!),
      indexCache: new DiskIndexCache(),
    });

  it('link, every one, and are as large as on the real kernel', () => {
    const m = machine();
    const linker = new Linker(m);
    const names = m.tree.index.names();
    expect(names).toHaveLength(4023);
    const recorded = recordedSizes();
    const failures: string[] = [];
    const sizes = new Map<string, number>();
    for (const name of names) {
      try {
        sizes.set(name, linker.link(name).coreBytes);
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
      linker.trim(TOGETHER);
    }
    linker.clear();
    expect(failures).toEqual([]);
    const others = [...sizes].filter(([name, size]) => (recorded.get(name) ?? size) !== size);
    expect(others).toEqual([]);
    // None of them ran, or left anything.
    expect(m.kernel.cpu.executed).toBe(0);
    expect([...m.kernel.ledger.all()].filter(({ kind }) => kind === 'module')).toEqual([]);
    expect(m.lsmod()).toEqual([]);
  });

  it('say which symbol is missing when what they depend on is not there', () => {
    const m = machine();
    const entry = m.tree.index.module('snd_pcm')!;
    expect(() => m.insmod(m.tree.read(entry)!)).toThrow(/Unknown symbol in module/);
    expect(m.dmesg().map(({ text }) => text)).toContain('snd_pcm: Unknown symbol snd_device_new (err -2)');
    expect(m.lsmod()).toEqual([]);
  });
});
