import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../kmod/index.js';
import { TaskCredentials } from '../../linux/credentials.js';
import { loadBundled } from '../../target/node/index.js';
import { CapturedOutput } from '../terminal.js';
import { Machine } from './machine.js';
import { Shell } from './shell/shell.js';

const procwalk = readFileSync(new URL('../../../tests/modules/procwalk.ko', import.meta.url));

function boot(): { readonly machine: Machine; readonly run: (command: string) => string } {
  const machine = Machine.boot({
    target: loadBundled(),
    files: new MemoryFiles([['/mods/procwalk.ko', procwalk]]),
  });
  const run = (command: string): string => {
    const output = new CapturedOutput();
    new Shell(machine, output).run(command);
    return output.stdout + output.stderr;
  };
  return { machine, run };
}

describe('who a process is', () => {
  it('is what its struct cred says, and may do what that may', () => {
    const { machine, run } = boot();
    run('insmod /mods/procwalk.ko');
    expect(run('cat /proc/become')).toBe('uid 0, may load: 1\n');
    machine.kernel.get(TaskCredentials).uid = 1000;
    expect(run('cat /proc/become')).toBe('uid 1000, may load: 0\n');
    expect(run('rmmod procwalk')).toContain('Operation not permitted');
  });

  it('is what commit_creds() made of it, for itself and those that it starts', () => {
    const { machine, run } = boot();
    run('insmod /mods/procwalk.ko');
    const used = machine.kernel.ledger.bytes;
    machine.kernel.get(TaskCredentials).uid = 1000;
    run('echo x > /proc/become');
    expect(machine.dmesg().at(-1)?.text).toMatch(/^procwalk: \w+ has uid 0$/);
    expect(run('cat /proc/become')).toBe('uid 1000, may load: 0\n');
    expect(machine.kernel.ledger.bytes).toBe(used);
    expect(machine.kernel.traps.reports).toEqual([]);
  });
});

describe('a directory that a module opens by its path', () => {
  it('has operations, by which its entries are listed', () => {
    const { machine, run } = boot();
    run('insmod /mods/procwalk.ko');
    const lines = machine
      .dmesg()
      .map(({ text }) => text)
      .filter((text) => /^procwalk: (modules|\/)/.test(text));
    expect(lines).toEqual([
      ...Array(2).fill('procwalk: modules is of type 8'),
      'procwalk: /proc 0, directly 0, a file -20',
    ]);
  });
});
