import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Machine } from '../../machine/linux/machine.js';
import { loadBundled } from '../../target/node/index.js';

const WPOFF = fileURLToPath(new URL('../../../tests/modules/wpoff.ko', import.meta.url));

function removed(parameters: string): Machine {
  const machine = Machine.boot({ target: loadBundled() });
  machine.insmod(new Uint8Array(readFileSync(WPOFF)), parameters);
  try {
    machine.rmmod('wpoff');
  } catch {
    // What it dies of is among the faults.
  }
  return machine;
}

it('a module that clears CR0.WP by itself writes to read-only data', () => {
  const machine = removed('');
  expect(machine.faults()).toEqual([]);
  expect(machine.dmesg().map(({ text }) => text)).toContain('wpoff: the constant is 2');
});

it('write_cr0() keeps write protection, with a warning', () => {
  const machine = removed('by_kernel=1');
  const log = machine.dmesg().map(({ text }) => text);
  expect(log).toEqual(expect.arrayContaining(['CR0 WP bit went missing!?', 'wpoff: write protection is on']));
  expect(machine.faults().map(({ kind }) => kind)).toEqual(['warning', 'write-protected']);
});
