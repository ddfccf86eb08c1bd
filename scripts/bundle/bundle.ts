import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { translatorHash } from '../../src/machine/linux/node/translator-version.js';

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));
const ENTRIES = [
  'index',
  'tools',
  'sim',
  'vitest',
  'node-test',
  'cli/main',
  'cli/run/worker',
  'kmod/node/depmod/facts-worker',
];

/** Which file of src has what the library and the tools export, by name. */
const exported = new Map(
  ['index.ts', 'portable.ts', 'tools.ts'].flatMap((list) =>
    [
      ...readFileSync(`${SOURCES}${list}`, 'utf8').matchAll(/^export \{([^}]*)\} from '\.\/(.*)\.js';$/gm),
    ].flatMap(([, names, file]) => namesIn(names).map((name) => [name, file] as const)),
  ),
);

function namesIn(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '));
}

/**
 * Commands import from the library's lists of exports, and esbuild loads with a list all that is on it. Here each name is imported
 * from where it is, so that a command loads what it uses.
 */
const ownParts: Plugin = {
  name: 'own-parts',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/cli\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const contents = text.replace(
        /^import \{([^}]*)\} from '(?:\.\.\/)+(?:index|tools)\.js';$/gm,
        (_, names: string) =>
          namesIn(names)
            .map((name) => importOf(name, path))
            .join(' '),
      );
      return { contents, loader: 'ts' };
    });
  },
};

function importOf(name: string, user: string): string {
  const file = exported.get(name);
  if (file === undefined) throw new Error(`${user} imports ${name}, which is on no list of exports`);
  return `import { ${name} } from ${JSON.stringify(`${SOURCES}${file}.ts`)};`;
}

/** Makes the commands, the library for Node (index.js) and kmod's tools (tools.js) and what models of devices are written with (sim.js), which share their code in chunks. */
export async function bundle(outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: ENTRIES.map((name) => `${SOURCES}${name}.ts`),
    bundle: true,
    external: ['vitest'],
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    entryNames: '[name]',
    outdir,
    logLevel: 'warning',
    plugins: [ownParts],
    metafile: true,
    define: { MODBOX_TRANSLATOR: JSON.stringify(translatorHash(`${SOURCES}cpu/`)) },
  });
  return metafile;
}
