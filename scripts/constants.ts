/**
 * npm run constants
 *
 * Every number has one home. An UPPER_CASE constant of a file that another file of src defines too, with the same value (a twin), is
 * wrong; so is a name with two values where one of them is exported, or where both are names of several words: who reads one
 * would take the other for it. Private names of one word (`END`) are words of their file.
 * Folders of different systems (src/linux and src/kmod, src/freebsd and src/kld) are not held against each other.
 * What must stay says why: `// constants: NAME ...` in each of the files but one.
 * A constant of src/linux that bears the name of an enumerator of a kernel at hand is wrong too: `k.enumValue('TCP_LISTEN')` asks
 * the target.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { knownTargets } from '../src/testing/targets.js';
import { enumerators, wrongConstants } from './constants/check.js';
import { definitions } from './constants/definitions.js';

const SOURCE = new URL('../src/', import.meta.url).pathname;

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.ts$/.test(name) && !/\.test\.ts$|(^|\/)testing\/|^acceptance\//.test(name))
  .map((name) => ({ name, text: readFileSync(join(SOURCE, name), 'utf8') }));
const found = definitions(files);
const kernels = await knownTargets();
const wrong = wrongConstants(found, (name) => enumerators(kernels, name));
for (const line of wrong) console.log(line);
console.log(`${found.length} constants in ${files.length} files: ${wrong.length} wrong`);
process.exit(wrong.length === 0 ? 0 : 1);
