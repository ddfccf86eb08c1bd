import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../kmod/index.js';
import { loadBundled } from '../../target/node/index.js';
import { loadBootModules } from './boot-modules.js';
import { Machine } from './machine.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const EXTRA = '/lib/modules/6.1.0-53-amd64/extra';
const NAMES = [
  'hello',
  'exporter',
  'importer',
  'initfail',
  'params',
  'faulty_null_read',
  'faulty_endless_wait',
];

function boot(list: string, cmdline = '', more: readonly (readonly [string, string])[] = []): Machine {
  const files = new MemoryFiles([
    ...NAMES.map((name) => [`${EXTRA}/${name}.ko`, readFileSync(`${MODULES}${name}.ko`)] as const),
    ['/etc/modules-load.d/test.conf', list],
    ...more,
  ]);
  return Machine.boot({ target: loadBundled(), files, cmdline });
}

const loaded = (machine: Machine): string[] => machine.lsmod().map(({ name }) => name);

describe('booting', () => {
  it('loads nothing where nobody asks for it', () => {
    const machine = boot('# nothing\n');
    expect(loadBootModules(machine)).toEqual({ inserted: [], messages: [], faults: [], culprit: undefined });
    expect(machine.dmesg()).toEqual(Machine.boot({ target: loadBundled() }).dmesg());
  });

  it('loads the modules of modules-load.d and modules-load= with their dependencies and options', () => {
    const machine = boot('importer\nhello\n', 'modules-load=params params.an_int=3 hello.whom=boot', [
      ['/etc/modprobe.d/options.conf', 'options hello count=2\n'],
    ]);
    expect(loadBootModules(machine)).toMatchObject({
      inserted: ['params', 'importer', 'hello'],
      messages: [],
    });
    expect(loaded(machine)).toEqual(['hello', 'importer', 'exporter', 'params']);
    expect(machine.dmesg().map(({ text }) => text)).toContain('hello: Hello, boot.');
  });

  it('leaves out what a blacklist has, of the kernel and of modprobe.d', () => {
    const machine = boot('hello\nparams\nimporter\n', 'module_blacklist=hello modprobe.blacklist=params', [
      ['/etc/modprobe.d/no.conf', 'blacklist importer\n'],
    ]);
    expect(loadBootModules(machine)).toEqual({
      inserted: [],
      messages: [
        "Failed to insert module 'hello': Operation not permitted",
        'modbox: hello: the boot parameter module_blacklist has it',
      ],
      faults: [],
      culprit: undefined,
    });
    expect(machine.dmesg().at(-1)?.text).toBe('Module hello is blacklisted');
  });

  it('tells what fails, and goes on', () => {
    const machine = boot('nothing\ninitfail\nhello\n', 'modprobe.blacklist=unknown');
    expect(loadBootModules(machine)).toMatchObject({
      inserted: ['hello'],
      messages: [
        "Failed to find module 'nothing'",
        expect.stringMatching(/^Failed to insert module 'initfail': /),
        expect.stringMatching(/^modbox: initfail: init returned -/),
      ],
      culprit: undefined,
    });
  });

  it('survives an oops, which ends the loading, and names the module', () => {
    const machine = boot('hello\nfaulty_null_read\nparams\n');
    const outcome = loadBootModules(machine);
    expect(outcome).toMatchObject({ inserted: ['hello'], messages: ['Killed'], culprit: 'faulty_null_read' });
    expect(outcome.faults.map(({ kind }) => kind)).toEqual(['null-dereference']);
    expect(
      machine
        .dmesg()
        .map(({ text }) => text)
        .join('\n'),
    ).toContain('Comm: systemd-modules Tainted:');
    machine.rmmod('hello');
    const without = boot('hello\nfaulty_null_read\nparams\n', 'module_blacklist=faulty_null_read');
    expect(loadBootModules(without)).toMatchObject({ inserted: ['hello', 'params'], culprit: undefined });
  });

  it('tells that a module hangs', () => {
    const { messages, culprit } = loadBootModules(boot('faulty_endless_wait\n'));
    expect(messages).toEqual(['it hangs: it waits for something that does not come']);
    expect(culprit).toBe('faulty_endless_wait');
  });
});
