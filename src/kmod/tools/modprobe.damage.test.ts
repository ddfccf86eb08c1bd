import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { mutate } from '../../testing/mutate.js';
import { Random } from '../../testing/random.js';
import { MemoryFiles } from '../index.js';
import { runTool } from '../testing/captured-host.js';
import { modprobe } from './modprobe.js';

const HERE = fileURLToPath(new URL('../../../tests/kmod/', import.meta.url));
const DIR = '/lib/modules/6.1.0-53-amd64';
const NAMES = ['hello', 'importer', 'exporter', 'params', 'sleeper', 'built-in-one'];
const ASKED: readonly (readonly string[])[] = [
  ['-D', '-a', ...NAMES, 'symbol:modbox_add', 'fancy-builtin-x', 's-leeper-alias', 'mine'],
  ['-r', '-n', '-v', '-a', ...NAMES],
  ['-R', '-a', 'mane', 'loop', 'nothing'],
  ['-c'],
];
/** Of what one run may write: many times what a sound tree gives. */
const MOST = 200_000;

const indexNames = readdirSync(`${HERE}tree`);
const index = new Map(indexNames.map((name) => [name, new Uint8Array(readFileSync(`${HERE}tree/${name}`))]));
const config = ['softdeps/deps', 'commands/commands', 'aliases/aliases', 'syntax/a'].map(
  (path) => new Uint8Array(readFileSync(`${HERE}config/${path}.conf`)),
);

function files(random: Random, damageIndex: boolean): MemoryFiles {
  const all = new MemoryFiles(NAMES.map((name) => [`${DIR}/extra/${name}.ko`, '']));
  for (const [name, bytes] of index) {
    const damaged = damageIndex && random.below(2) === 0 ? mutate(bytes, random, [[0, bytes.length]]) : bytes;
    all.add(`${DIR}/${name}`, damaged);
  }
  config.forEach((bytes, i) => {
    all.add(`/etc/modprobe.d/${i}.conf`, damageIndex ? bytes : mutate(bytes, random, [[0, bytes.length]]));
  });
  return all;
}

it.each([
  ['index', true],
  ['configuration', false],
])('modprobe ends with a status of its own, whatever the damage to its %s', (_, damageIndex) => {
  const random = new Random(4711);
  for (let round = 0; round < 150; round++) {
    const tree = files(random, damageIndex);
    for (const args of ASKED) {
      const { exit, stdout, stderr } = runTool(modprobe, tree, args);
      expect([0, 1]).toContain(exit);
      expect(stdout.length + stderr.length).toBeLessThan(MOST);
    }
  }
});
