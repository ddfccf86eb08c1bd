import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Checker, CheckKernel, type Verdict } from '../check/index.js';
import { ModuleFile } from '../formats/module-file.js';
import { ModuleTree } from '../kmod/index.js';
import { DiskFiles } from '../kmod/node/disk-files.js';
import { loadBundled } from '../target/node/index.js';
import { CORPUS_RELEASE, corpusTree } from '../testing/corpus.js';
import { Random } from '../testing/random.js';
import { nodeVerifier } from '../trust/node/verifier.js';

const tree = await corpusTree();

function modulePaths(root: string): string[] {
  const modules = ModuleTree.open(root, { files: new DiskFiles(''), release: CORPUS_RELEASE });
  return [...modules.modules()].map((module) => join(root, modules.pathOf(module)));
}

describe.skipIf(tree === undefined)('all modules of the bundled kernel', () => {
  it('load, signed by its key, and taint with nothing but the staging directory', () => {
    const kernel = new CheckKernel(loadBundled(), { cmdline: 'module.sig_enforce' });
    const checker = new Checker([kernel], { verifier: nodeVerifier });
    const modules = modulePaths(tree!).map((path) => checker.add(new ModuleFile(path, readFileSync(path))));
    expect(modules).toHaveLength(4023);
    const verdicts = modules.map((module) => checker.verdict(module, kernel));
    expect(verdicts.filter(({ loads }) => !loads)).toEqual([]);
    for (const { reasons, module } of verdicts)
      for (const { kind, effect } of reasons)
        expect(`${module} ${kind} ${effect}`).toBe(`${module} origin taints`);
  });

  it('are refused with one bit flipped anywhere in what was signed', () => {
    const kernel = new CheckKernel(loadBundled(), { cmdline: 'module.sig_enforce' });
    const random = new Random(11);
    const paths = modulePaths(tree!);
    for (let i = 0; i < 400; i++) {
      const path = paths[random.below(paths.length)];
      const bytes = Uint8Array.from(readFileSync(path));
      // Behind the module are its signature, the trailer of 12 bytes and the marker of 28.
      const size = new DataView(bytes.buffer).getUint32(bytes.length - 28 - 4);
      const at = random.below(bytes.length - 28 - 12 - size);
      bytes[at] ^= 1 << random.below(8);
      const checker = new Checker([kernel], { verifier: nodeVerifier });
      const verdict: Verdict = checker.verdict(checker.add(new ModuleFile(path, bytes)), kernel);
      const where = `${relative(tree!, path)} at ${at}`;
      expect(verdict, where).toMatchObject({ loads: false, errno: 'EKEYREJECTED' });
      expect(verdict.reasons[0], where).toMatchObject({ kind: 'signature', code: 'EKEYREJECTED' });
    }
  });
});
