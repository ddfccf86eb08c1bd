import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const MODULES = fileURLToPath(new URL('../../tests/modules/', import.meta.url));

/** The library of module trees, bundled as for a browser: an import of Node would fail here. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('index.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'kmod',
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

describe('the library of module trees', () => {
  it('works where there is no Node, on a tree in memory', async () => {
    const names = ['exporter', 'importer'];
    const files = names.map((name) => [
      `/lib/modules/test/${name}.ko`,
      new Uint8Array(readFileSync(`${MODULES}${name}.ko`)),
    ]);
    // What a browser has of its own; `process`, `require` and Buffer are not there.
    const context = createContext({ TextEncoder, TextDecoder, WebAssembly, Uint8Array, DataView, files });
    const found = runInContext(
      `${await bundle()}
      const tree = kmod.ModuleTree.open('/lib/modules/test', { files: new kmod.MemoryFiles(files) });
      JSON.stringify({
        needs: tree.dependencies('importer'),
        index: [...kmod.indexTree(tree.files, '/lib/modules/test').keys()].length,
        node: typeof process + typeof require + typeof Buffer,
      })`,
      context,
    );
    expect(JSON.parse(found)).toEqual({
      needs: ['exporter'],
      index: 11,
      node: 'undefinedundefinedundefined',
    });
  });
});
