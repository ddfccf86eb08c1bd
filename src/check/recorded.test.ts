import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ModuleFile } from '../formats/module-file.js';
import * as errnos from '../linux/errno.js';
import { strerror } from '../linux/errno.js';
import { type LinuxTarget, readTarget } from '../target/index.js';
import { loadBundled } from '../target/node/index.js';
import { treeSource } from '../target/node/path-source.js';
import { CORPUS_RELEASE, corpusTree, newerTree, packageTree } from '../testing/corpus.js';
import { nodeVerifier } from '../trust/node/verifier.js';
import { CheckKernel } from './check-kernel.js';
import { Checker } from './checker.js';
import { logLines } from './log-lines.js';
import type { Verdict } from './reason.js';

/** What a real kernel said of a module: see tests/check/README.md. */
interface Recorded {
  readonly kernel: string;
  readonly from: string;
  readonly file: string;
  readonly name: string;
  /** Missing where the guest died of what came before. */
  readonly load?: { readonly status: number | string; readonly stderr: readonly string[] };
  readonly dmesg: readonly string[];
  /** So many more lines were not recorded. */
  readonly dmesgMore?: number;
  readonly modules: readonly string[];
  readonly taint: string;
}

const EXPECTED = fileURLToPath(new URL('../../tests/check/expected/', import.meta.url));
/** Errors that only the loader gives; init functions have others. */
const LOADERS = /Exec format error|Invalid argument|Unknown symbol|Key was rejected/;

const own = await corpusTree();
const older = await packageTree('linux-image-6.1.0-47-amd64');
const newer = await newerTree();

function recorded(release: string): Recorded[] {
  const file = `${EXPECTED}${release}.jsonl`;
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded);
}

/** Modules are checked one at a time, as they were loaded: their dependencies are the kernel's own. */
function check(
  kernel: CheckKernel,
  { from, file }: Recorded,
  trees: Readonly<Record<string, string>>,
): Verdict {
  const checker = new Checker([kernel], { verifier: nodeVerifier });
  const tree = join(trees[from], 'lib/modules', from);
  const packed = [file, `${file}.xz`].map((path) => join(tree, path)).find(existsSync)!;
  return checker.verdict(checker.add(new ModuleFile(file, readFileSync(packed))), kernel);
}

function errorOf({ errno }: Verdict): string {
  const number = Object.entries(errnos).find(([name]) => name === errno)?.[1];
  // modprobe has words of its own for ENOENT (modprobe/insert_module).
  if (errno === 'ENOENT') return 'Unknown symbol in module, or unknown parameter (see dmesg)';
  return typeof number === 'number' ? strerror(number) : `${errno}`;
}

describe.each([
  { tree: older, name: '6.1.0-47-amd64' },
  { tree: newer, name: '6.12' },
])('what real kernels said: $name', ({ tree }) => {
  it.skipIf(own === undefined || tree === undefined)(
    'is the verdict, with the error and the log line',
    () => {
      const target: LinuxTarget = readTarget(treeSource(tree!));
      const kernel = new CheckKernel(target);
      const trees = { [CORPUS_RELEASE]: own!, [target.release]: tree! };
      const lines = recorded(target.release);
      let unreached = 0;
      let refused = 0;
      for (const line of lines) {
        const verdict = check(kernel, line, trees);
        const live = line.modules.includes(line.name);
        const error = line.load?.stderr.join('\n') ?? '';
        if (!live && LOADERS.test(error)) {
          refused++;
          expect(verdict, line.file).toMatchObject({ loads: false, module: line.name });
          expect(error, line.file).toContain(errorOf(verdict));
          for (const text of logLines(verdict)) expect(line.dmesg, line.file).toContain(text);
        } else if (!live && line.load?.status === 0) {
          expect(verdict.reasons, line.file).toContainEqual(expect.objectContaining({ kind: 'built-in' }));
        } else if (line.from === target.release) {
          // Its own: an init function may have failed, but the loader took it.
          expect(verdict, line.file).toMatchObject({ loads: true });
          if (live) expect(line.taint).toBe(verdict.taints);
        } else unreached++;
      }
      expect(lines.length).toBeGreaterThanOrEqual(250);
      // A dependency's init function failed for want of hardware.
      expect(unreached).toBeLessThan(10);
      expect(refused).toBeGreaterThan(180);
    },
  );

  it.skipIf(own === undefined || tree === undefined)(
    'of every symbol, where they were asked about all',
    () => {
      const target: LinuxTarget = readTarget(treeSource(tree!));
      const kernel = new CheckKernel(target);
      let told = 0;
      for (const line of recorded(`${target.release}.versions`)) {
        const { reasons } = check(kernel, line, { [CORPUS_RELEASE]: own! });
        const symbols = (pattern: RegExp): string[] =>
          line.dmesg.flatMap((text) =>
            text.startsWith(`${line.name}: `) ? (pattern.exec(text)?.[1] ?? []) : [],
          );
        const versions = symbols(/disagrees about version of symbol (\S+)$/);
        if (versions.length === 0 || line.dmesgMore) continue;
        told++;
        // That of struct module was made to fit.
        const found = reasons.flatMap((reason) => (reason.kind === 'version' ? [reason.symbol] : []));
        expect(
          found.filter((symbol) => symbol !== 'module_layout'),
          line.file,
        ).toEqual(versions);
        const missing = reasons.flatMap((reason) =>
          reason.kind === 'missing-symbol' ? [reason.symbol] : [],
        );
        expect(missing, line.file).toEqual(symbols(/Unknown symbol (\S+) \(err -2\)$/));
      }
      expect(told).toBeGreaterThan(100);
    },
  );

  it.skipIf(own === undefined)('and the kernel of the modules takes them all', () => {
    const kernel = new CheckKernel(loadBundled());
    const lines = recorded('6.1.0-47-amd64').filter(({ from }) => from === CORPUS_RELEASE);
    for (const line of lines)
      expect(check(kernel, line, { [CORPUS_RELEASE]: own! }), line.file).toMatchObject({
        loads: true,
        errno: undefined,
      });
  });
});
