/**
 * npm run binds [-- --only NAME,...] [--bundled] [--results FILE] [--no-write]
 *
 * Which of Debian's modules bind to a simulated device: drivers of I2C chips to a bank of registers that knows none of them (its contents are found by trying),
 * and drivers of every bus to the models that come with modbox. Writes docs/hardware.md. With --results, what is done is kept in a file and not done again.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ModuleFile } from '../../src/formats/module-file.js';
import { DiskFiles } from '../../src/kmod/node/disk-files.js';
import { loadBundled } from '../../src/target/node/index.js';
import { corpusTree } from '../../src/testing/corpus.js';
import { imageTarget } from '../../src/testing/targets.js';
import { type Bench, type Binding, tryModule } from './i2c-binding.js';
import { bindModels } from './model-binding.js';
import { report } from './report.js';

const FILE = new URL('../../docs/hardware.md', import.meta.url).pathname;
const PREFIX = 'i2c:';
/** Ids of a module that are tried until one binds. */
const MOST_IDS = 2;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    bundled: { type: 'boolean', default: false },
    results: { type: 'string' },
    'no-write': { type: 'boolean', default: false },
  },
});

const tree = await corpusTree();
const target = values.bundled ? loadBundled() : await imageTarget();
if (!tree || !target) {
  console.error("npm run binds needs Debian's kernel package: apt-get could not fetch it");
  process.exit(1);
}
const files = new DiskFiles(tree);
const bench: Bench = { target, files };

/** Modules with the names of I2C chips that they drive. */
function i2cModules(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const file of readdirSync(join(tree as string, 'lib/modules'), {
    recursive: true,
    encoding: 'utf8',
  })) {
    if (!/\.ko(\.\w+)?$/.test(file)) continue;
    const { modinfo } = new ModuleFile(file, readFileSync(join(tree as string, 'lib/modules', file)));
    const ids = modinfo.all('alias').filter((alias) => alias.startsWith(PREFIX));
    const name = modinfo.get('name');
    if (name !== undefined && ids.length > 0)
      found.set(
        name,
        ids.map((alias) => alias.slice(PREFIX.length)),
      );
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function known(): Map<string, Binding> {
  const { results } = values;
  if (results === undefined || !existsSync(results)) return new Map();
  const lines = readFileSync(results, 'utf8').split('\n').filter(Boolean);
  const bindings = lines.map((line) => JSON.parse(line) as Binding);
  return new Map(bindings.map((binding) => [binding.module, binding]));
}

const wanted = values.only?.split(',');
const done = known();
let memory: WebAssembly.Memory | undefined;
for (const [module, ids] of i2cModules()) {
  if ((wanted && !wanted.includes(module)) || done.has(module)) continue;
  let binding: Binding | undefined;
  for (const id of ids.slice(0, MOST_IDS)) {
    const tried = tryModule(bench, module, id, memory);
    memory = tried.memory;
    if (!binding || tried.binding.accepted !== 'no') binding = tried.binding;
    if (binding.accepted !== 'no') break;
  }
  if (!binding) continue;
  done.set(module, binding);
  const { accepted, why = '', attempts = 0 } = binding;
  console.log(`${module} ${binding.id}: ${accepted} ${attempts} ${why}`);
  if (values.results !== undefined) appendFileSync(values.results, `${JSON.stringify(binding)}\n`);
}
const models = bindModels(bench);
if (!values['no-write']) writeFileSync(FILE, report(target.name, [...done.values()], models));
const count = (kind: Binding['accepted']): number =>
  [...done.values()].filter(({ accepted }) => accepted === kind).length;
console.log(
  `${done.size} modules: ${count('id')} by id, ${count('detected')} found, ${count('none')} without reading, ${count('any')} whatever they read, ${count('no')} not`,
);
