import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { translatorHash } from '../../src/machine/linux/node/translator-version.js';
import { bundle } from './bundle.js';

let folder: string;
let made: Metafile;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-bundle-'));
  made = await bundle(folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The source files that are loaded with the output that a source file is the entry of. */
function loadedWith(entry: string): Set<string> {
  const { outputs } = made;
  const first = Object.keys(outputs).find((path) => outputs[path].entryPoint === entry);
  if (first === undefined) throw new Error(`nothing has the entry ${entry}`);
  const seen = new Set([first]);
  for (const path of seen)
    for (const found of outputs[path].imports)
      if (found.kind === 'import-statement' && outputs[found.path]) seen.add(found.path);
  return new Set([...seen].flatMap((path) => Object.keys(outputs[path].inputs)));
}

const KERNEL = 'src/linux/kernel.ts';

describe('the bundle', () => {
  it.each(['check', 'closure', 'graph', 'sign', 'taint', 'target', 'tool'])(
    'loads no kernel for the command %s',
    (name) => {
      expect(loadedWith(`src/cli/commands/${name}.ts`)).not.toContain(KERNEL);
    },
  );

  it('loads one for the commands that boot, and in the library', () => {
    for (const entry of ['src/cli/commands/run.ts', 'src/cli/commands/shell.ts', 'src/index.ts'])
      expect(loadedWith(entry)).toContain(KERNEL);
  });

  it('knows the version of its translator, which is a hash of the sources', () => {
    const { outputs } = made;
    const holder = Object.keys(outputs).find((path) =>
      Object.keys(outputs[path].inputs).includes('src/machine/linux/node/translator-version.ts'),
    );
    const sources = fileURLToPath(new URL('../../src/cpu/', import.meta.url));
    expect(readFileSync(holder!, 'utf8')).toContain(translatorHash(sources));
  });

  it('starts a tool with little more than the tool', () => {
    expect(loadedWith('src/kmod/tools/lsmod.ts')).not.toContain('src/kmod/archive-files.ts');
  });
});
