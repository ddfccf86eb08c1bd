/**
 * npm run export NAME...
 *
 * What is known of an exported function or variable: its prototype, who exports it in each kernel at hand, which modules of that
 * kernel want it, and where the base kernel has it; where it has not, which file its relatives are in, with the lines to add.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SYSTEM_V_STRUCTS } from '../src/conventions/system-v.js';
import { prototypeText, signatureFromTypes } from '../src/kernel/abi/signature.js';
import { DiskFiles } from '../src/kmod/node/disk-files.js';
import { openModule } from '../src/kmod/open-module.js';
import type { LinuxTarget } from '../src/target/index.js';
import { corpusTree, newerTree } from '../src/testing/corpus.js';
import { knownTargets } from '../src/testing/targets.js';

const SOURCE = new URL('../src/linux/', import.meta.url).pathname;
/** TypeScript's types of what travels as each code (src/kernel/abi/signature.ts). */
const TYPES: Readonly<Record<string, string>> = { p: 'Ptr', b: 'boolean', q: 'bigint', Q: 'bigint' };
/** Modules that are named; the others are counted. */
const SHOWN = 12;

interface Kernel {
  readonly target: LinuxTarget;
  /** Its modules that want a name, where they are at hand. */
  readonly users: ReadonlyMap<string, readonly string[]>;
}

async function kernels(wanted: readonly string[]): Promise<Kernel[]> {
  const trees = [await corpusTree(), await newerTree()];
  const targets = await knownTargets();
  return targets.map((target, i) => {
    const tree = trees[i];
    return { target, users: tree === undefined ? new Map() : usersOf(tree, wanted) };
  });
}

function provider({ exports, modules, symbols }: LinuxTarget, name: string): string {
  const own = exports.get(name);
  const gpl = (only: boolean): string => (only ? ', for GPL modules' : '');
  if (own) return `the kernel (${own.kind}${gpl(own.gplOnly)})`;
  const found = modules?.exports.get(name);
  if (found)
    return `module ${found.module.name} (${found.module.path})${gpl(found.gplOnly)}: nothing to write`;
  return symbols.lookup(name) ? 'nobody: it is there, and not exported' : 'nobody: there is no such symbol';
}

/** Modules of a tree by what they have undefined, weak references too, of the names that are asked for. */
function usersOf(tree: string, names: readonly string[]): ReadonlyMap<string, string[]> {
  const found = new Map<string, string[]>(names.map((name) => [name, []]));
  const source = new DiskFiles(tree);
  const files = readdirSync(join(tree, 'lib/modules'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((path) => /\.ko(\.\w+)?$/.test(path)).sort()) {
    const module = file.slice(file.lastIndexOf('/') + 1).replace(/\.ko(\.\w+)?$/, '');
    for (const { name } of openModule(source, `/lib/modules/${file}`).undefinedSymbols())
      found.get(name)?.push(module);
  }
  return found;
}

/** Symbols that are exported under a name with other underscores before it, such as what a macro of that name calls. */
function otherSpellings({ exports, modules }: LinuxTarget, name: string): string[] {
  const bare = name.replace(/^_+/, '');
  return [...exports.keys(), ...(modules?.exports.keys() ?? [])].filter(
    (other) => other !== name && other.replace(/^_+/, '') === bare,
  );
}

/** Every export of the base kernel: name, and file with line below src/linux. */
function implemented(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const lines = readFileSync(join(SOURCE, file), 'utf8').split('\n');
    let inside = false;
    lines.forEach((line, i) => {
      if (/^ {2}readonly (exports|data)\b.*\{$/.test(line)) inside = true;
      else if (/^ {2}\};?$/.test(line)) inside = false;
      const name = inside ? /^ {4}(?:\*|async )?([A-Za-z_]\w*)(?=[:(,])/.exec(line)?.[1] : undefined;
      if (name !== undefined && !found.has(name)) found.set(name, `src/linux/${file}:${i + 1}`);
    });
  }
  return found;
}

/** Where its nearest relatives by name are: those that share most of its words, and of these the most from the left. */
function relatives(all: ReadonlyMap<string, string>, name: string): string[] {
  const words = name.split('_');
  const shared = (other: string): number => {
    const others = other.split('_');
    const leading = words.findIndex((word, i) => word !== others[i]);
    return words.filter((word) => others.includes(word)).length + leading / (words.length + 1);
  };
  return [...all]
    .filter(([other]) => other.startsWith(words.find((word) => word !== '') ?? name))
    .map(([other, place]) => ({ text: `${other} in ${place}`, shared: shared(other) }))
    .sort((a, b) => b.shared - a.shared)
    .slice(0, 5)
    .map(({ text }) => text);
}

/** The entry of an `exports` table, parameters as the target's prototype has them. */
function stub({ types }: LinuxTarget, name: string): string | undefined {
  const signature = signatureFromTypes(types, name, SYSTEM_V_STRUCTS);
  const prototype = types.findPrototype(name);
  if (!signature || !prototype) return undefined;
  const params = prototype.params.map(
    (param, i) => `${param.name || `arg${i}`}: ${TYPES[signature.params[i]] ?? 'number'}`,
  );
  return `    ${name}: (${params.join(', ')}) => this....,`;
}

function describe(name: string, all: readonly Kernel[], known: ReadonlyMap<string, string>): void {
  console.log(name);
  for (const { target, users } of all) {
    console.log(`  ${target.name}`);
    const prototype = prototypeText(target.types, name);
    console.log(
      `    prototype    ${prototype || 'not in the types: give it a signature beside the function'}`,
    );
    console.log(`    exported by  ${provider(target, name)}`);
    for (const other of otherSpellings(target, name))
      console.log(`    see also     ${other}, of ${provider(target, other)}`);
    const wanting = users.get(name);
    if (!wanting) continue;
    const more = wanting.length > SHOWN ? `, and ${wanting.length - SHOWN} more` : '';
    console.log(`    wanted by    ${wanting.slice(0, SHOWN).join(' ') || 'none of its modules'}${more}`);
  }
  const place = known.get(name);
  if (place !== undefined) {
    console.log(`  implemented    ${place}`);
    return;
  }
  if (!all.some(({ target }) => target.exports.has(name))) return;
  console.log('  not implemented; where its relatives are:');
  for (const relative of relatives(known, name)) console.log(`    ${relative}`);
  const entry = all.map(({ target }) => stub(target, name)).find((text) => text !== undefined);
  if (entry !== undefined) console.log(`  entry of an exports table:\n${entry}`);
}

const names = process.argv.slice(2);
if (names.length === 0) {
  console.error('usage: npm run export NAME...');
  process.exit(2);
}
const all = await kernels(names);
const known = implemented();
for (const name of names) describe(name, all, known);
