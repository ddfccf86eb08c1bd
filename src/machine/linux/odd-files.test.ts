import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALONE, ONCE, oddities } from '../../../tests/modules/trust/oddities.mjs';
import { MemoryFiles } from '../../kmod/index.js';
import { loadBundled } from '../../target/node/index.js';
import { CapturedOutput } from '../terminal.js';
import { Machine } from './machine.js';
import { Shell } from './shell/shell.js';
import { essential } from './testing/recorded.js';

const folder = new URL('../../../tests/modules/trust/', import.meta.url);
const file = readFileSync(new URL('trustme.ko', folder));
const files = oddities(() => file);

/** What the real kernel made of a file: see tests/modules/trust/record-oddities.mjs. */
type Recording =
  | { readonly dies: true }
  | {
      readonly exit: number;
      readonly stderr: string;
      readonly dmesg: readonly string[];
      readonly module?: string;
      readonly sections?: string;
    };

const recordings = Object.entries(
  JSON.parse(readFileSync(new URL('oddities.json', folder), 'utf8')) as Record<string, Recording>,
);

/** On purpose: a struct module that is too small is refused, not written beyond. */
const REFUSED = new Set(['odd-this-size-short']);

class Kernel {
  private readonly machine: Machine;

  constructor(lenient = false) {
    this.machine = Machine.boot({
      target: loadBundled(),
      lenient,
      files: new MemoryFiles([
        ['/mods/base.ko', file],
        ...Object.entries(files).map(([name, make]) => [`/mods/${name}.ko`, make()] as const),
      ]),
    });
    this.run('insmod /mods/base.ko && rmmod trustme');
  }

  /** insmod of a file, in the form of a recording. */
  load(name: string): Exclude<Recording, { dies: true }> {
    const from = this.machine.dmesg().length;
    const { exit, stderr } = this.run(`insmod /mods/${name}.ko`);
    const dmesg = this.machine.dmesg(from).map(({ text }) => text);
    const said = stderr
      .split('\n')
      .filter((line) => line.startsWith('insmod: '))
      .map((line) => line.replace(/^(insmod: ERROR: could not insert module )\S+: /, '$1'))
      .join('\n');
    if (exit !== 0) return { exit, stderr: said, dmesg };
    const called = this.machine.lsmod()[0].name;
    const module = this.run('cat /proc/modules')
      .stdout.split('\n')[0]
      .replace(/ 0x[0-9a-f]{16}/, '');
    const place = `/sys/module/${called}`;
    const sections = this.run(`ls '${place}/notes' '${place}/sections'`).stdout.replaceAll(`${place}/`, '');
    this.run(`rmmod '${called}'`);
    return { exit, stderr: said, dmesg, module, sections: sections.replaceAll('\n', ' ').trim() };
  }

  get occupied(): boolean {
    return this.machine.lsmod().length > 0;
  }

  run(command: string): { readonly exit: number; readonly stdout: string; readonly stderr: string } {
    const output = new CapturedOutput();
    const { exit } = new Shell(this.machine, output).run(command);
    return { exit, stdout: output.stdout, stderr: output.stderr };
  }
}

/** Values that depend on where things lie, and a line that comes once a boot. */
const comparable = (recording: Exclude<Recording, { dies: true }>): unknown => ({
  ...recording,
  dmesg: essential(recording.dmesg)
    .filter((line) => !line.startsWith('Disabling lock debugging'))
    .map((line) => line.replace(/\bval \S+$/, 'val').replace(/(thunk: #-|actual: |expected: ).*/, '$1')),
});

const kindOf = (name: string): string => name.split('-')[1];
const together = recordings.filter(([name]) => !ALONE.has(name) && !REFUSED.has(name));

describe('the real kernel and modbox agree on files that no linker makes', () => {
  // In the recorded boot the warnings that come once have come before.
  const later = (): Kernel => {
    const kernel = new Kernel();
    for (const name of ONCE) kernel.load(name);
    return kernel;
  };
  let kernel = later();
  for (const kind of new Set(together.map(([name]) => kindOf(name))))
    it(`${kind}`, () => {
      for (const [name, recording] of together) {
        if (kindOf(name) !== kind || 'dies' in recording) continue;
        expect([name, comparable(kernel.load(name))]).toEqual([name, comparable(recording)]);
        // One that has no exit function stays.
        if (kernel.occupied) kernel = later();
      }
    });

  for (const [name, recording] of recordings) {
    if (!ALONE.has(name) || 'dies' in recording) continue;
    it(`${name}, in a boot of its own`, () => {
      expect(comparable(new Kernel().load(name))).toEqual(comparable(recording));
    });
  }
});

describe('a file at which the real kernel stumbles', () => {
  const dying = recordings.filter(([, recording]) => 'dies' in recording);

  it.each(dying)('%s does not load, and the machine lives on', (name) => {
    const kernel = new Kernel();
    expect(kernel.load(name).exit).not.toBe(0);
    expect(kernel.run('echo alive')).toMatchObject({ exit: 0, stdout: 'alive\n' });
  });

  it('as does one with too small a struct module, unless the kernel is to be taken at its word', () => {
    const lenient = new Kernel(true);
    const kernel = new Kernel();
    for (const name of REFUSED) {
      expect(kernel.load(name).exit).toBe(1);
      expect(lenient.load(name).exit).toBe(0);
      expect(kernel.run(`insmod --lenient /mods/${name}.ko`).exit).toBe(0);
    }
  });
});
