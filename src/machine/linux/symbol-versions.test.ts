import { describe, expect, it } from 'vitest';
import { variant } from '../../../tests/modules/trust/variants.mjs';
import { MemoryFiles } from '../../kmod/index.js';
import type { LinuxTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';
import { CapturedOutput } from '../terminal.js';
import { Machine } from './machine.js';
import { Shell } from './shell/shell.js';

/** The bundled kernel, as if it had functions of newer ones as well. No kernel at hand knows what they do. */
function targetWith(...names: string[]): LinuxTarget {
  const target = loadBundled();
  const lookup = (name: string): unknown => target.symbols.lookup(names.includes(name) ? '_printk' : name);
  const symbols = Object.create(target.symbols, { lookup: { value: lookup } });
  return Object.create(target, { symbols: { value: symbols } });
}

function machineWith(functions: readonly string[], ...modules: string[]): Machine {
  const files = modules.map((name) => [`/mods/${name}.ko`, variant(name)] as const);
  return Machine.boot({ target: targetWith(...functions), files: new MemoryFiles(files) });
}

/** What a command says, and what it brings to the log. */
function run(machine: Machine, command: string): string[] {
  const output = new CapturedOutput();
  const from = machine.dmesg().length;
  new Shell(machine, output).run(command);
  const said = `${output.stdout}${output.stderr}`.split('\n').filter((line) => line !== '');
  return [
    ...said.filter((line) => !line.startsWith('modbox:')),
    ...machine.dmesg(from).map(({ text }) => text),
  ];
}

describe('a kernel that knows symbol versions in the extended form', () => {
  const load = (name: string, flags = ''): string[] => {
    const machine = machineWith(['modversion_ext_start'], name);
    return run(machine, `insmod ${flags} /mods/${name}.ko && cat /sys/module/trustme/taint`);
  };
  const refused = (name: string, why: string): string =>
    `insmod: ERROR: could not insert module /mods/${name}.ko: ${why}`;

  it.each(['extended', 'extended-only', 'extended-right'])('relies on them: %s', (name) => {
    expect(load(name)).toContain('OE');
    expect(load(name)).toContain('trustme: here');
  });

  it('refuses what they do not match, whatever __versions says', () => {
    expect(load('extended-wrong')).toEqual(
      expect.arrayContaining([
        refused('extended-wrong', 'Invalid parameters'),
        'trustme: disagrees about version of symbol _printk',
        'trustme: Unknown symbol _printk (err -22)',
      ]),
    );
    expect(load('extended-wrong-layout')).toEqual([
      refused('extended-wrong-layout', 'Invalid module format'),
      'trustme: disagrees about version of symbol module_layout',
    ]);
  });

  it('lets pass what is not among them, and says so once', () => {
    expect(load('extended-no-printk')).toContain('trustme: no extended symbol version for _printk');
    expect(load('extended-no-printk')).toContain('trustme: here');
    const lines = load('extended-empty').filter((line) => line.includes('no extended symbol version'));
    expect(lines).toEqual(['trustme: no extended symbol version for module_layout']);
  });

  it.each([
    ['extended-names-short', 'more extended version crcs than names'],
    ['extended-no-names', 'extended version crc+name presence does not match'],
    ['extended-no-crcs', 'extended version crc+name presence does not match'],
  ])('refuses sections that do not go together: %s', (name, line) => {
    expect(load(name)).toEqual([refused(name, 'Invalid module format'), line]);
  });

  it('does not look at them by force', () => {
    expect(load('extended-wrong', '-f')).toContain('FOE');
  });
});

it('a kernel that knows namespaces of modules lets nobody import one', () => {
  const machine = machineWith(['verify_module_namespace'], 'imports-module-namespace');
  expect(run(machine, 'insmod /mods/imports-module-namespace.ko')).toEqual(
    expect.arrayContaining([
      'insmod: ERROR: could not insert module /mods/imports-module-namespace.ko: Operation not permitted',
      'spaced_user: module tries to import module namespace: module:spaced_user',
    ]),
  );
});
