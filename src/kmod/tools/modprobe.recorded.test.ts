import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../index.js';
import { DiskFiles } from '../node/disk-files.js';
import { runTool } from '../testing/captured-host.js';
import { modprobe } from './modprobe.js';

const HERE = fileURLToPath(new URL('../../../tests/kmod/', import.meta.url));
const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const RELEASE = '6.1.0-53-amd64';

interface Run {
  readonly run: readonly string[];
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Case {
  readonly config: readonly string[];
  readonly cmdline?: string;
}

const expected = JSON.parse(readFileSync(`${HERE}expected.json`, 'utf8')) as Record<string, Run[]>;
const { cases } = (await import(`${HERE}cases.mjs`)) as { cases: Record<string, Case> };

/** The tree of the recordings at /w/tree, the configuration at /w/config: /w is where modprobe is run. */
function files(cmdline: string | undefined): MemoryFiles {
  const tree = `/w/tree/lib/modules/${RELEASE}`;
  const names = ['hello', 'importer', 'exporter', 'params', 'sleeper'];
  const all = new MemoryFiles(
    names.map((name) => [`${tree}/extra/${name}.ko`, readFileSync(`${MODULES}${name}.ko`)]),
  );
  for (const name of readdirSync(`${HERE}tree`))
    all.add(`${tree}/${name}`, readFileSync(`${HERE}tree/${name}`));
  const config = new DiskFiles(`${HERE}config`);
  for (const { name: folder } of config.list('/') ?? [])
    for (const { name } of config.list(`/${folder}`) ?? [])
      all.add(`/config/${folder}/${name}`, config.read(`/${folder}/${name}`)!);
  if (cmdline !== undefined) all.add('/proc/cmdline', config.read(`/${cmdline}`)!);
  return all;
}

describe.each(Object.entries(cases))(
  'with the configuration %s, kmod 34 and modbox agree on',
  (name, given) => {
    const tree = files(given.cmdline);
    const common = [...given.config.flatMap((path) => ['-C', `config/${path}`]), '-d', 'tree', '-S', RELEASE];

    it.each(expected[name].map((run) => [run.run.join(' '), run] as const))('modprobe %s', (_, run) => {
      const got = runTool(modprobe, tree, [...common, ...run.run], { directory: '/w' });
      const tidy = (text: string): string => text.replaceAll('/w/', '@/');
      expect({ exit: got.exit, stdout: tidy(got.stdout), stderr: tidy(got.stderr) }).toEqual({
        exit: run.exit,
        stdout: run.stdout,
        stderr: run.stderr,
      });
    });
  },
);
