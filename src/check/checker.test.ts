import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { emptyConfig } from '../kmod/config/modprobe-config.js';
import { loadBundled } from '../target/node/index.js';
import { Random } from '../testing/random.js';
import { CheckKernel, type KernelSettings } from './check-kernel.js';
import { Checker } from './checker.js';
import type { Verdict } from './reason.js';

const MODULES = fileURLToPath(new URL('../../tests/modules/', import.meta.url));

/** Verdicts about test modules that are checked together, in their order. */
function check(files: readonly string[], settings: KernelSettings = {}): Verdict[] {
  const kernel = new CheckKernel(loadBundled(), settings);
  const checker = new Checker([kernel], { homeOf: () => loadBundled() });
  const modules = files.map((file) => checker.add(readFileSync(MODULES + file), file));
  return modules.map((module) => checker.verdict(module, kernel));
}

describe('modules that are checked together', () => {
  it('use the symbols of each other', () => {
    const [importer, exporter] = check(['importer.ko', 'exporter.ko']);
    expect(importer).toMatchObject({ loads: true, errno: undefined, taints: 'OE' });
    expect(exporter).toMatchObject({ loads: true });
  });

  it('miss what nobody among them has', () => {
    const [importer] = check(['importer.ko']);
    expect(importer).toMatchObject({ loads: false, errno: 'ENOENT' });
    const missing = importer.reasons.filter(({ kind }) => kind === 'missing-symbol');
    expect(missing.length).toBeGreaterThan(0);
    expect(missing[0]).toMatchObject({ effect: 'refused', internal: false, elsewhere: [] });
  });

  it('do not load where one that they need does not', () => {
    const [importer] = check(['importer.ko', 'exporter.ko'], { cmdline: 'module_blacklist=exporter' });
    expect(importer.reasons).toContainEqual(
      expect.objectContaining({ kind: 'dependency', module: 'exporter', effect: 'refused' }),
    );
  });
});

describe('the kernel that is booted', () => {
  it('has a blacklist', () => {
    const [hello] = check(['hello.ko'], { cmdline: 'quiet module_blacklist=dummy,hello' });
    expect(hello).toMatchObject({ loads: false, errno: 'EPERM' });
    const config = {
      ...emptyConfig(),
      blacklist: ['hello'],
      install: [{ module: 'hello', text: '/bin/false' }],
    };
    const [noted] = check(['hello.ko'], { config });
    expect(noted.loads).toBe(true);
    expect(noted.reasons.filter(({ kind }) => kind === 'blacklist')).toHaveLength(2);
  });

  it('may demand signatures', () => {
    expect(check(['hello.ko'], { cmdline: 'module.sig_enforce' })[0]).toMatchObject({
      errno: 'EKEYREJECTED',
    });
    expect(check(['hello.ko'], { cmdline: 'lockdown=integrity' })[0]).toMatchObject({ errno: 'EPERM' });
  });
});

describe('files that are no modules', () => {
  it('say what they are', () => {
    const kernel = new CheckKernel(loadBundled());
    const checker = new Checker([kernel]);
    const verdict = (bytes: Uint8Array): Verdict =>
      checker.verdict(checker.add(bytes, 'x/some-file.ko'), kernel);
    expect(verdict(new Uint8Array())).toMatchObject({ module: 'some_file', errno: 'EINVAL', loads: false });
    expect(verdict(new TextEncoder().encode('#!/bin/sh\n'.repeat(20)))).toMatchObject({ errno: 'ENOEXEC' });
  });

  it('never break the check, however they are damaged', () => {
    const original = readFileSync(`${MODULES}importer.ko`);
    const random = new Random(4);
    const kernel = new CheckKernel(loadBundled());
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from(original);
      for (let change = 0; change < 3; change++) bytes[random.below(bytes.length)] = random.below(256);
      const cut = bytes.subarray(0, random.below(2) === 0 ? bytes.length : random.below(bytes.length));
      const checker = new Checker([kernel]);
      const verdict = checker.verdict(checker.add(cut, 'importer.ko'), kernel);
      expect(verdict.loads).toBe(verdict.errno === undefined);
      if (!verdict.loads) expect(verdict.reasons.some(({ effect }) => effect === 'refused')).toBe(true);
    }
  });
});
