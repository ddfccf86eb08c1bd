import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { oddities } from '../../tests/modules/trust/oddities.mjs';
import { ModuleFile } from '../formats/module-file.js';
import { MemoryFiles } from '../kmod/index.js';
import { insertError } from '../kmod/tools/insmod.js';
import * as errnos from '../linux/errno.js';
import { Machine } from '../machine/linux/machine.js';
import { Shell } from '../machine/linux/shell/shell.js';
import { CapturedOutput } from '../machine/terminal.js';
import { loadBundled } from '../target/node/index.js';
import { nodeVerifier } from '../trust/node/verifier.js';
import { CheckKernel } from './check-kernel.js';
import { Checker } from './checker.js';
import { logLines } from './log-lines.js';
import type { Verdict } from './reason.js';

const folder = new URL('../../tests/modules/trust/', import.meta.url);
const file = readFileSync(new URL('trustme.ko', folder));
const files = oddities(() => file);

type Recording =
  | { readonly dies: true }
  | { readonly exit: number; readonly stderr: string; readonly dmesg: readonly string[] };
const recordings = Object.entries(
  JSON.parse(readFileSync(new URL('oddities.json', folder), 'utf8')) as Record<string, Recording>,
);
/** On purpose, but with --lenient: a struct module that is too small is refused. */
const STRICTER = new Set(['odd-this-size-short']);
/** Whatever the file is like: what it is from and who signed it. */
const TAINTS = /loading out-of-tree|verification failed|taints kernel/;

const kernel = new CheckKernel(loadBundled());
const lenient = new CheckKernel(loadBundled(), { lenient: true });

function check(name: string, on: CheckKernel): Verdict {
  const checker = new Checker([on], { verifier: nodeVerifier });
  return checker.verdict(checker.add(new ModuleFile(`/mods/${name}.ko`, files[name]())), on);
}

function errorOf({ errno }: Verdict): string {
  const [, number] = Object.entries(errnos).find(([name]) => name === errno) ?? [];
  return `insmod: ERROR: could not insert module ${insertError(number as number)}`;
}

/** Where the module lies is another matter. */
const withoutPlaces = (line: string): string => line.replace(/(loc|val) [^ ,]+/g, '$1');

describe('check and the real kernel agree on files that no linker makes', () => {
  const alive = recordings.filter(([, recording]) => !('dies' in recording));
  const kindOf = (name: string): string => name.split('-')[1];
  it.each([...new Set(alive.map(([name]) => kindOf(name)))])('%s', (kind) => {
    for (const [name, recording] of alive) {
      if (kindOf(name) !== kind || 'dies' in recording) continue;
      const verdict = check(name, STRICTER.has(name) ? lenient : kernel);
      expect([name, verdict.loads]).toEqual([name, recording.exit === 0]);
      if (verdict.loads) continue;
      expect([name, errorOf(verdict)]).toEqual([name, recording.stderr]);
      const said = recording.dmesg.map(withoutPlaces);
      for (const line of logLines(verdict, 'insmod').filter((text) => !TAINTS.test(text)))
        expect([name, said]).toEqual([name, expect.arrayContaining([withoutPlaces(line)])]);
    }
  });

  it('but for one that only --lenient lets in', () => {
    for (const name of STRICTER) expect(check(name, kernel).loads).toBe(false);
  });
});

describe('where the real kernel stumbles, check and the loader agree', () => {
  it.each(recordings.filter(([, recording]) => 'dies' in recording))('%s', (name) => {
    const tree = new MemoryFiles([['/mods/odd.ko', files[name]()]]);
    const machine = Machine.boot({ target: loadBundled(), files: tree });
    const output = new CapturedOutput();
    const { exit } = new Shell(machine, output).run('insmod /mods/odd.ko');
    // Its init ran, and was killed: that is nothing that a look at the file tells.
    const loaded = exit === 137 && machine.faults().length > 0;
    expect({ loads: check(name, kernel).loads }).toEqual({ loads: loaded });
  });
});
