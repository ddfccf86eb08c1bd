import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { SYSTEM_V_STRUCTS } from '../conventions/system-v.js';
import { parseSignature, signatureFromTypes } from '../kernel/abi/signature.js';
import { knownTargets } from '../testing/targets.js';
import { LinuxKernel } from './kernel.js';
import type { Subsystem } from './subsystem.js';
import { SUBSYSTEMS } from './subsystems.js';
import { guest } from './testing/guest.js';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));
/** A table entry that answers without looking at anything. */
const CONSTANT = /^ {4}(\w+): \((.*?)\) => (\{\}|(?!this\b)-?[\w.]+|errPtr\(\w+\)),$/;

it('every export exists in a kernel that is known', async ({ skip }) => {
  const targets = await knownTargets();
  if (targets.length === 1) return skip('needs the newer kernel’s package');
  const exists = (name: string): boolean =>
    targets.some(
      ({ exports, symbols }) =>
        exports.has(name) || exports.has(`${name}_noprof`) || symbols.lookup(name) !== undefined,
    );
  const exported = new Set(targets.flatMap((target) => [...new LinuxKernel(target).exports.exported]));
  expect([...exported].filter((name) => !exists(name))).toEqual([]);
});

it('no export answers the same to everything without saying why (abi/fidelity.ts)', () => {
  const bare: string[] = [];
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file.includes('testing/')) continue;
    let inTable = false;
    for (const line of readFileSync(SOURCE + file, 'utf8').split('\n')) {
      if (/^ {2}readonly exports\b.*\{$/.test(line)) inTable = true;
      else if (/^ {2}\};?$/.test(line)) inTable = false;
      const [, name, params, answer] = (inTable && CONSTANT.exec(line)) || [];
      if (name !== undefined && !params.includes(`${answer}:`)) bare.push(`${file}: ${name}`);
    }
  }
  expect(bare).toEqual([]);
});

it('a signature is written where the types of a known kernel lack it or say otherwise, and nowhere else', async () => {
  const targets = await knownTargets();
  const kernels = targets.map((target) => new LinuxKernel(target));
  const written = SUBSYSTEMS.flatMap((subsystem) => {
    const k = kernels.find((kernel) => kernel.has(subsystem));
    return Object.entries(k?.get<Subsystem>(subsystem).signatures ?? {});
  });
  const redundant = written.filter(([name, text]) => {
    const known = targets.flatMap(({ types, exports, symbols }) =>
      [name, `${name}_noprof`]
        .filter((symbol) => exports.has(symbol) || symbols.lookup(symbol) || types.findPrototype(symbol))
        .map((symbol) => signatureFromTypes(types, symbol, SYSTEM_V_STRUCTS)),
    );
    return known.length > 0 && known.every((signature) => isDeepStrictEqual(signature, parseSignature(text)));
  });
  expect(redundant.map(([name]) => name)).toEqual([]);
});

it('the report names exports that do less than the kernel’s, once they were called', () => {
  const g = guest();
  const mutex = g.struct.mutex();
  expect(g.k.exports.usedLimits).toEqual([]);
  for (let i = 0; i < 2; i++) {
    expect(g.call.mutex_lock_interruptible(mutex)).toBe(0);
    g.call.mutex_unlock(mutex);
  }
  expect(g.k.exports.usedLimits).toEqual([
    { symbol: 'mutex_lock_interruptible', limit: 'no signal ends the wait' },
  ]);
});
