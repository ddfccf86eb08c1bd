import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseElf } from '../formats/elf/index.js';
import { ModuleFile } from '../formats/module-file.js';
import { emptyConfig } from '../kmod/config/modprobe-config.js';
import { loadBundled } from '../target/node/index.js';
import { CORPUS_RELEASE, corpusTree } from '../testing/corpus.js';
import { Random } from '../testing/random.js';
import { CheckKernel, type KernelSettings } from './check-kernel.js';
import { Checker } from './checker.js';
import { logLines } from './log-lines.js';
import type { Verdict } from './reason.js';

const MODULES = fileURLToPath(new URL('../../tests/modules/', import.meta.url));

/** Verdicts about test modules that are checked together, in their order. */
function check(files: readonly string[], settings: KernelSettings = {}): Verdict[] {
  const kernel = new CheckKernel(loadBundled(), settings);
  const checker = new Checker([kernel], { homeOf: () => loadBundled() });
  const modules = files.map((file) => checker.add(new ModuleFile(file, readFileSync(MODULES + file))));
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

describe('two modules that export one symbol', () => {
  it('cannot both be loaded: the one that is named first is', () => {
    const kernel = new CheckKernel(loadBundled());
    const checker = new Checker([kernel]);
    const bytes = readFileSync(`${MODULES}exporter.ko`);
    const renamed = Buffer.from(bytes);
    renamed.write('name=expo2ter', renamed.indexOf('name=exporter'));
    const modules = [
      checker.add(new ModuleFile('exporter.ko', bytes)),
      checker.add(new ModuleFile('expo2ter.ko', renamed)),
    ];
    const [first, second] = modules.map((module) => checker.verdict(module, kernel));
    expect(first).toMatchObject({ loads: true });
    expect(first.reasons).toContainEqual(
      expect.objectContaining({ kind: 'duplicate-symbol', owner: 'expo2ter', effect: 'note' }),
    );
    expect(second).toMatchObject({ loads: false, errno: 'ENOEXEC' });
    expect(logLines(second)).toContain('expo2ter: exports duplicate symbol modbox_add (owned by exporter)');
  });
});

describe('parameters', () => {
  const told = (parameters: string, config?: string): { errno: string | undefined; log: string[] } => {
    const settings =
      config === undefined
        ? {}
        : { config: { ...emptyConfig(), options: [{ module: 'hello', text: config }] } };
    const kernel = new CheckKernel(loadBundled(), settings);
    const checker = new Checker([kernel], { parameters });
    const verdict = checker.verdict(
      checker.add(new ModuleFile('hello.ko', readFileSync(`${MODULES}hello.ko`))),
      kernel,
    );
    return { errno: verdict.errno, log: logLines(verdict).filter((line) => line.includes('parameter')) };
  };

  // As Debian's 6.1.0-53 said in QEMU.
  it('are refused as the kernel refuses them', () => {
    expect(told('count=abc nosuch=1')).toEqual({
      errno: 'EINVAL',
      log: ["hello: `abc' invalid for parameter `count'"],
    });
    expect(told('nosuch=1')).toEqual({
      errno: undefined,
      log: ["hello: unknown parameter 'nosuch' ignored"],
    });
    expect(told('count=99999999999').errno).toBe('ERANGE');
    expect(told('shout=t').errno).toBeUndefined();
  });

  it.each([
    'count=0x10',
    'count=-7',
    'count=017',
    'shout',
    'shout=off',
    'numbers=1,2,3',
    'whom="two words"',
    'dyndbg=+p',
    '-- whatever',
  ])('%s are taken', (text) => {
    expect(told(text)).toEqual({ errno: undefined, log: [] });
  });

  it.each(['count=', 'count', 'count=08', 'count=1x', 'shout=maybe', 'numbers=1,x', 'whom'])(
    '%s are not',
    (text) => {
      expect(told(text).errno).toBe('EINVAL');
    },
  );

  it('are those of modprobe.d too', () => {
    expect(told('', 'count=x').errno).toBe('EINVAL');
  });
});

describe('damaged types', () => {
  it('are told as the kernel tells of them', async ({ skip }) => {
    const root = await corpusTree();
    if (root === undefined) return skip();
    const path = `${root}/lib/modules/${CORPUS_RELEASE}/kernel/drivers/net/dummy.ko`;
    const whole = readFileSync(path);
    const section = parseElf(whole, path).section('.BTF')!;
    const at = section.data.byteOffset - whole.byteOffset;
    for (const [place, value] of [
      [0, 0],
      [24, 0xffffff],
    ] as const) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt16LE(value & 0xffff, at + place);
      bytes.writeUInt16LE(value >>> 16, at + place + 2);
      const kernel = new CheckKernel(loadBundled());
      const checker = new Checker([kernel]);
      const verdict = checker.verdict(checker.add(new ModuleFile('dummy.ko', bytes)), kernel);
      expect(verdict.reasons).toContainEqual(
        expect.objectContaining({
          kind: 'btf',
          line: 'failed to validate module [dummy] BTF: -22',
          effect: 'note',
        }),
      );
    }
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
      checker.verdict(checker.add(new ModuleFile('x/some-file.ko', bytes)), kernel);
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
      const verdict = checker.verdict(checker.add(new ModuleFile('importer.ko', cut)), kernel);
      expect(verdict.loads).toBe(verdict.errno === undefined);
      if (!verdict.loads) expect(verdict.reasons.some(({ effect }) => effect === 'refused')).toBe(true);
    }
  });
});
