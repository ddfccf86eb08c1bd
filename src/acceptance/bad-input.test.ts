import { describe, expect, it } from 'vitest';
import { type ElfFile, parseElf } from '../formats/elf/index.js';
import { mutate } from '../testing/mutate.js';
import { Random } from '../testing/random.js';
import { HELLO_LOG, machineWith, ownModule, runHello } from './testing/machines.js';
import { refusal, stateOf } from './testing/refusal.js';

type Regions = readonly (readonly [start: number, length: number])[];
/** Mutations of each module. */
const ROUNDS = 200;
/** Mutations that one machine gets to see. */
const PER_MACHINE = 50;

function copyOf(bytes: Uint8Array, change: (view: DataView, copy: Uint8Array) => void): Uint8Array {
  const copy = new Uint8Array(bytes);
  change(new DataView(copy.buffer), copy);
  return copy;
}

/** Places in the file where the sections of some kind are. */
function regionsOf(
  elf: ElfFile,
  bytes: Uint8Array,
  wanted: (name: string, type: number) => boolean,
): Regions {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const headers = Number(view.getBigUint64(0x28, true));
  return elf.sections
    .filter(({ name, type, size }) => size > 0 && type !== 8 && wanted(name, type))
    .map(({ index, size }) => [Number(view.getBigUint64(headers + index * 64 + 0x18, true)), size] as const);
}

const hello = ownModule('hello');

describe('a file that is no module of this kernel is refused', () => {
  /** What is wrong, the file, and what the error must say of it besides the file. */
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['text', new TextEncoder().encode('#!/bin/sh\necho hello\n'.repeat(20)), /e_ident.*at 0x0/],
    ['63 bytes of an ELF header', hello.slice(0, 63), /at 0x/],
    ['half a module', hello.slice(0, hello.length >> 1), /at 0x/],
    ['one byte less than a module', hello.slice(0, -1), /at 0x/],
    ['an executable', copyOf(hello, (view) => view.setUint16(16, 2, true)), /e_type.*at 0x10/],
    ['one for AArch64', copyOf(hello, (view) => view.setUint16(18, 183, true)), /e_machine.*at 0x12/],
    ['one for RISC-V', copyOf(hello, (view) => view.setUint16(18, 243, true)), /e_machine.*at 0x12/],
    [
      'section headers beyond the end',
      copyOf(hello, (view) => view.setBigUint64(0x28, 1n << 40n, true)),
      /e_shoff.*at 0x28/,
    ],
    [
      'section headers of another size',
      copyOf(hello, (view) => view.setUint16(0x3a, 40, true)),
      /e_shentsize.*at 0x3a/,
    ],
    ['a damaged xz file', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4, 1, 2, 3, 4), /at 0x/],
    ['a damaged gzip file', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2), /at 0x/],
    ['a damaged zstd file', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff, 0xff), /at 0x/],
  ];
  for (const [what, bytes, place] of cases)
    it(what, () => {
      const machine = machineWith(['hello']);
      const before = stateOf(machine);
      const error = refusal(machine, bytes, 'folder/bad.ko');
      expect(error?.code).toBe('ENOEXEC');
      expect(error?.message).toMatch(/Invalid module format/);
      expect(error?.message).toMatch(/folder\/bad\.ko/);
      expect(error?.message).toMatch(place);
      expect(stateOf(machine)).toEqual(before);
      expect(machine.kernel.traps.taint.mask).toBe(0);
      expect(runHello(machine)).toEqual(HELLO_LOG);
    });

  it('an empty file, which the kernel does not even read', () => {
    const machine = machineWith(['hello']);
    const error = refusal(machine, new Uint8Array(), 'folder/bad.ko');
    expect(error?.code).toBe('EINVAL');
    expect(error?.message).toMatch(/folder\/bad\.ko/);
    expect(runHello(machine)).toEqual(HELLO_LOG);
  });

  it('a module for another kernel version, as the kernel words it', () => {
    const machine = machineWith(['hello']);
    const text = Buffer.from(hello);
    const at = text.indexOf('vermagic=6.1.0-53-amd64 SMP') + 'vermagic=6.1.0-53-amd64 '.length;
    const error = refusal(
      machine,
      copyOf(hello, (view) => view.setUint8(at, 0x58)),
    );
    expect(error?.code).toBe('ENOEXEC');
    expect(machine.dmesg().at(-1)?.text).toMatch(/^hello: version magic '.*' should be '.*'$/);
    expect(machine.kernel.traps.taint.mask).toBe(0);
  });
});

describe('mutations', () => {
  const kinds: readonly (readonly [string, (elf: ElfFile, bytes: Uint8Array) => Regions])[] = [
    ['of the header', () => [[0, 64]]],
    [
      'of section headers',
      (elf, bytes) => [
        [Number(new DataView(bytes.buffer).getBigUint64(0x28, true)), elf.sections.length * 64],
      ],
    ],
    ['of symbols and strings', (elf, bytes) => regionsOf(elf, bytes, (_, type) => type === 2 || type === 3)],
    ['of relocations', (elf, bytes) => regionsOf(elf, bytes, (_, type) => type === 4)],
    [
      'of what the loader reads',
      (elf, bytes) =>
        regionsOf(elf, bytes, (name) => /modinfo|versions|this_module|__param|ksymtab/.test(name)),
    ],
  ];
  for (const name of ['hello', 'chardev'])
    for (const [n, [what, regions]] of kinds.entries())
      it(`${what} of ${name}.ko give an error, or a module, and nothing else`, () => {
        const bytes = ownModule(name);
        const where = regions(parseElf(bytes, name), bytes);
        const random = new Random(1000 + n);
        let machine = machineWith(['hello']);
        let refused = 0;
        for (let round = 0; round < ROUNDS / kinds.length; round++) {
          if (round % PER_MACHINE === 0) machine = machineWith(['hello']);
          const before = stateOf(machine);
          const faults = machine.kernel.traps.reports.length;
          const error = refusal(machine, mutate(bytes, random, where));
          if (error && error.errno !== 0) {
            refused++;
            expect(stateOf(machine)).toEqual(before);
            continue;
          }
          // It was loaded, and may have crashed: a machine of its own for what comes next.
          for (const { kind, message } of machine.kernel.traps.reports.slice(faults))
            expect(kind === 'internal' ? message : '').toBe('');
          machine = machineWith(['hello']);
        }
        expect(refused).toBeGreaterThan(0);
        expect(runHello(machine)).toEqual(HELLO_LOG);
      });
});
