import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { explainTaint, parseTaint, taintLetters } from '../../linux/traps/taint-words.js';
import { loadBundled } from '../../target/node/index.js';
import { sourceOfPath } from '../../target/node/path-source.js';
import { readTarget } from '../../target/source.js';
import { newerTree } from '../../testing/corpus.js';
import { CapturedOutput } from '../terminal.js';
import { Machine } from './machine.js';
import { Shell } from './shell/shell.js';
import { taintsOf, taintText } from './taints.js';
import { replay, scenarios } from './testing/recorded.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const module = (name: string): Uint8Array => readFileSync(`${MODULES}${name}.ko`);
const newer = await newerTree();
const boot = (): Machine => Machine.boot({ target: loadBundled() });

function run(machine: Machine, command: string): string {
  const output = new CapturedOutput();
  new Shell(machine, output).run(command);
  return output.stdout + output.stderr;
}

/** What the lines of an oops that name a task say of taints. */
function tainted(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /^CPU: .* (Not tainted|Tainted: .*?) ?6\.1\.0-/.exec(line)?.[1] ?? []);
}

describe('the headers of oopses and warnings show the taints that the real kernel shows', () => {
  const recorded = [
    'trust_taint',
    'faulty_warn',
    'faulty_bug',
    'faulty_null_read_on_write',
    'faulty_rodata_write_on_write',
    'faulty_preempt_count',
    'faulty_refcount',
  ];
  for (const name of recorded)
    it(name, () => {
      const scenario = scenarios().find((candidate) => candidate.name === name)!;
      const got = replay(scenario);
      const modules = (lines: readonly string[]): string[] =>
        lines.filter((line) => line.startsWith('Modules linked in:'));
      let seen = 0;
      for (const [i, { dmesg }] of scenario.steps.entries()) {
        const want = tainted(dmesg);
        expect(tainted(got[i].dmesg).slice(0, want.length)).toEqual(want);
        expect(modules(got[i].dmesg).slice(0, want.length)).toEqual(modules(dmesg));
        seen += want.length;
      }
      expect(seen).toBeGreaterThan(0);
    });
});

describe.skipIf(newer === undefined)('a kernel whose flags have names', () => {
  it('spells them out behind the letters', () => {
    const machine = Machine.boot({ target: readTarget(sourceOfPath(newer!).source) });
    const { taint } = machine.kernel.traps;
    expect(taint.printNames()).toBeUndefined();
    run(machine, 'echo 12800 > /proc/sys/kernel/tainted');
    expect(taint.print()).toBe('Tainted: G        W  OE     ');
    expect(taint.printNames()).toBe('Tainted: [W]=WARN, [O]=OOT_MODULE, [E]=UNSIGNED_MODULE');
    expect(boot().kernel.traps.taint.hasNames).toBe(false);
  });
});

describe('who tainted the kernel', () => {
  it('is the first module that did', () => {
    const machine = boot();
    machine.insmod(module('hello'));
    machine.insmod(module('params'));
    machine.rmmod('hello');
    expect(taintsOf(machine.kernel)).toEqual([
      {
        flag: 'O',
        name: 'OOT_MODULE',
        bit: 12,
        causedBy: { module: 'hello', task: 'insmod', reason: "it is not of the kernel's own source" },
      },
      {
        flag: 'E',
        name: 'UNSIGNED_MODULE',
        bit: 13,
        causedBy: { module: 'hello', task: 'insmod', reason: 'nobody whom the kernel trusts signed it' },
      },
    ]);
  });

  it('is told of faults, of users, and of forced removals', () => {
    const machine = boot();
    machine.insmod(module('faulty_warn'));
    run(machine, 'echo 64 > /proc/sys/kernel/tainted');
    expect(() => machine.insmod(module('faulty_null_read'))).toThrow();
    machine.insmod(module('faulty_keeps_reference'));
    run(machine, 'rmmod -f faulty_keeps_reference');
    const causes = Object.fromEntries(taintsOf(machine.kernel).map(({ flag, causedBy }) => [flag, causedBy]));
    expect(causes).toMatchObject({
      W: {
        module: 'faulty_warn',
        reason: expect.stringMatching(/^WARNING: CPU: 0 PID: \d+ at faulty_warn\.c:10/),
      },
      U: { module: '', task: 'sh', reason: 'written to /proc/sys/kernel/tainted' },
      D: { module: 'faulty_null_read', reason: expect.stringContaining('NULL pointer dereference') },
      R: { module: 'faulty_keeps_reference', task: 'rmmod', reason: 'removed by force' },
    });
  });

  it('is shown by the command taint', () => {
    const machine = boot();
    expect(run(machine, 'taint')).toBe('Not tainted\n');
    machine.insmod(module('hello'));
    expect(run(machine, 'taint')).toBe(
      [
        'Tainted: GOE (12288, 0x3000)',
        " O  bit 12  OOT_MODULE: a module that is not of the kernel's own source was loaded",
        "            by module hello, task insmod: it is not of the kernel's own source",
        ' E  bit 13  UNSIGNED_MODULE: a module without a trusted signature was loaded',
        '            by module hello, task insmod: nobody whom the kernel trusts signed it',
        '',
      ].join('\n'),
    );
    expect(JSON.parse(run(machine, 'taint --json'))).toEqual(taintsOf(machine.kernel));
    expect(run(machine, 'taint 512')).toContain(' W  bit  9  WARN: ');
    expect(run(machine, 'taint Q')).toContain("'Q' is no taint mask");
  });
});

describe('a taint mask', () => {
  it('is a number or the letters of an oops', () => {
    for (const text of [
      '12288',
      '0x3000',
      'OE',
      '(OE)',
      'G OE',
      'G           OE     ',
      'Tainted: G           OE',
      'Tainted: [O]=OOT_MODULE, [E]=UNSIGNED_MODULE',
    ])
      expect(parseTaint(text)).toBe(12288n);
    expect(parseTaint('PFSRMBUDAWCIOELKXTN')).toBe(524287n);
    expect(parseTaint('Not tainted')).toBe(0n);
    expect(parseTaint('0')).toBe(0n);
    expect(parseTaint('18446744073709551615')).toBe(2n ** 64n - 1n);
    for (const text of [
      '',
      '-1',
      '18446744073709551616',
      '0x',
      '0x12345678901234567',
      'GZ',
      '[O]=',
      'Tainted:',
    ])
      expect(parseTaint(text)).toBeUndefined();
  });

  it('is explained flag by flag, and unknown bits are told', () => {
    expect(taintText(0n)).toBe('Not tainted\n');
    expect(explainTaint(1n | (1n << 63n)).map(({ flag, bit }) => [flag, bit])).toEqual([
      ['P', 0],
      ['?', 63],
    ]);
    expect(taintLetters(0x3001n)).toBe('POE');
    expect(explainTaint((1n << 20n) - 1n).every(({ text }) => text !== '')).toBe(true);
  });
});
