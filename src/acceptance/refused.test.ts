import { describe, expect, it } from 'vitest';
import { parseElf } from '../formats/elf/index.js';
import { taintBit } from '../linux/kallsyms/taint.js';
import { Machine } from '../machine/linux/machine.js';
import { loadBundled } from '../target/node/index.js';
import { mutate } from '../testing/mutate.js';
import { Random } from '../testing/random.js';
import { signModule } from '../trust/index.js';
import { ownCertificate, trustFile } from '../trust/testing/own-files.js';
import { HELLO_LOG, ownModule, runHello } from './testing/machines.js';
import { refusal, stateOf } from './testing/refusal.js';
import { withUndefinedSymbol } from './testing/undefined-symbol.js';

const ROUNDS = 80;
/** Mutations that one machine gets to see. */
const PER_MACHINE = 40;

/** Set while a module's file is looked at, before it may be refused, on the real kernel as here. */
const OF_MODULES = (
  [
    'PROPRIETARY_MODULE',
    'FORCED_MODULE',
    'CRAP',
    'OOT_MODULE',
    'UNSIGNED_MODULE',
    'LIVEPATCH',
    'TEST',
  ] as const
).reduce((mask, name) => mask | (1 << taintBit(name)), 0);

const trusting = (cmdline = ''): Machine =>
  Machine.boot({ target: loadBundled(), cmdline, trust: { keys: [ownCertificate('rsa')] } });

/** Loads damaged files one after the other. What was refused has to leave the machine as it was, and to say why. */
function loadDamaged(
  boot: () => Machine,
  damaged: (random: Random) => Uint8Array,
  mayTaint: number,
): { readonly refused: number; readonly loaded: number } {
  const random = new Random(20);
  let machine = boot();
  let refused = 0;
  let loaded = 0;
  for (let round = 0; round < ROUNDS; round++) {
    if (round % PER_MACHINE === 0) machine = boot();
    const { taint } = machine.kernel.traps;
    const before = stateOf(machine);
    const tainted = taint.mask & ~mayTaint;
    const error = refusal(machine, damaged(random));
    if (error === undefined) {
      loaded++;
      machine = boot();
      continue;
    }
    refused++;
    expect(error.message).toMatch(/^modbox: +\S/m);
    expect(stateOf(machine)).toEqual(before);
    expect(taint.mask & ~mayTaint).toBe(tainted);
    if (round % PER_MACHINE === PER_MACHINE - 1) expect(machine.kernel.traps.reports).toEqual([]);
  }
  return { refused, loaded };
}

describe('a damaged file that is refused leaves modules, memory and taints as they were, and says why', async () => {
  const hello = ownModule('hello');
  const key = { key: trustFile('keys/rsa.pem'), certificate: trustFile('keys/rsa.crt') };
  const signed = await signModule(hello, { ...key, hash: 'sha256' });

  it('damage in .modinfo', () => {
    const info = parseElf(hello, 'hello.ko').section('.modinfo')!;
    const place = [[info.offset, info.size]] as const;
    const { refused, loaded } = loadDamaged(trusting, (random) => mutate(hello, random, place), OF_MODULES);
    expect(Math.min(refused, loaded)).toBeGreaterThan(0);
  });

  it('damage in the signature', () => {
    const place = [
      [hello.length, signed.length - hello.length],
      [signed.length - 40, 40],
    ] as const;
    const { refused, loaded } = loadDamaged(trusting, (random) => mutate(signed, random, place), OF_MODULES);
    expect(Math.min(refused, loaded)).toBeGreaterThan(0);
  });

  it('one flipped bit anywhere, where signatures are enforced', () => {
    const enforcing = (): Machine => trusting('module.sig_enforce=1');
    expect(refusal(enforcing(), signed)).toBeUndefined();
    const end = signed.length - hello.length;
    const flipped = (random: Random): Uint8Array => {
      const copy = new Uint8Array(signed);
      // Nine in ten in the module itself: not all bits of a message mean something.
      const at = random.below(10) > 0 ? random.below(hello.length) : hello.length + random.below(end);
      copy[at] ^= 1 << random.below(8);
      return copy;
    };
    const { refused } = loadDamaged(enforcing, flipped, 0);
    expect(refused).toBeGreaterThan((ROUNDS * 8) / 10);
  });

  it('and a good module can be loaded afterwards', () => {
    const machine = trusting();
    for (const size of [0, 1, 27, 28, 40, 64, 4000, hello.length - 1])
      expect(refusal(machine, signed.subarray(0, size))).toBeDefined();
    expect(runHello(machine)).toEqual(HELLO_LOG);
  });
});

describe('a symbol that nothing refers to', () => {
  it('is looked for all the same', () => {
    const machine = Machine.boot({ target: loadBundled() });
    const file = withUndefinedSymbol(ownModule('hello'), 'no_such_symbol');
    expect(refusal(machine, file)?.message).toContain('Unknown symbol in module');
    expect(machine.dmesg().map(({ text }) => text)).toContain(
      'hello: Unknown symbol no_such_symbol (err -2)',
    );
  });

  it('is not, if it is what the linker leaves behind: _GLOBAL_OFFSET_TABLE_', () => {
    const machine = Machine.boot({ target: loadBundled() });
    machine.insmod(withUndefinedSymbol(ownModule('hello'), '_GLOBAL_OFFSET_TABLE_'));
    expect(machine.lsmod().map(({ name }) => name)).toEqual(['hello']);
  });
});
