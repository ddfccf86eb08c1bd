import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../files/file-source.js';
import { writeLinkerHints } from '../../formats/kld/index.js';
import type { FreebsdTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';
import { KldChecker } from './kld-checker.js';
import { kldCheckJson, kldVerdictText } from './kld-report.js';
import { kldLogLines } from './kld-verdict.js';

const FIXTURES = new URL('../../../tests/modules/freebsd/', import.meta.url);
const target = loadBundled('freebsd/14.2-amd64') as FreebsdTarget;

function checkerOf(names: readonly string[], others: Readonly<Record<string, Uint8Array>> = {}): KldChecker {
  const files = names.map(
    (name) => [`/k/${name}`, new Uint8Array(readFileSync(new URL(name, FIXTURES)))] as const,
  );
  return new KldChecker(target, new MemoryFiles([...files, ...Object.entries(others)]), ['/k']);
}

const verdictOf = (name: string, others: readonly string[] = []) =>
  checkerOf([name, ...others]).verdict(`/k/${name}`);

describe('a kld', () => {
  it('built for the same branch loads', () => {
    expect(verdictOf('hello.ko')).toMatchObject({ module: 'hello.ko', loads: true, reasons: [] });
    expect(verdictOf('for14.ko').loads).toBe(true);
  });

  it.each([
    ['for13.ko', 'built for FreeBSD 13 (kernels 1302001 to 1399999); this one is 1402000'],
    ['for15.ko', 'built for FreeBSD 15 (kernels 1500023 to 1599999); this one is 1402000'],
  ])('of another branch is refused: %s', (name, text) => {
    const verdict = verdictOf(name);
    expect(verdict).toMatchObject({
      loads: false,
      errno: 'ENOEXEC',
      reasons: [{ kind: 'dependency', text }],
    });
    expect(kldLogLines(verdict)).toEqual([
      `KLD ${name}: depends on kernel - not available or version mismatch`,
      `linker_load_file: /k/${name} - unsupported file type`,
    ]);
  });

  it('has what it depends on, and its symbols, from the files beside it', () => {
    expect(verdictOf('consumer.ko', ['provider.ko']).loads).toBe(true);
    const alone = verdictOf('consumer.ko');
    expect(alone.reasons[0]).toMatchObject({ kind: 'dependency', module: 'provider', found: [] });
    expect(alone.reasons.some(({ kind }) => kind === 'symbol')).toBe(true);
  });

  it('is told which versions are there, where none will do', () => {
    expect(verdictOf('badversion.ko', ['provider.ko']).reasons).toMatchObject([
      { kind: 'dependency', minimum: 99, found: [3], text: 'needs provider, version 99; there is 3' },
    ]);
  });

  it('is told of symbols that nobody has', () => {
    expect(verdictOf('missing.ko').reasons).toMatchObject([
      { kind: 'symbol', line: 'link_elf_obj: symbol modbox_missing_function undefined' },
    ]);
  });

  it('needs no file for what linker.hints says is part of the kernel beside it', () => {
    const hints = writeLinkerHints([
      { kind: 'version', file: 'kernel', name: 'modbox_is_not_there', version: 1 },
    ]);
    expect(verdictOf('nodepend.ko').loads).toBe(false);
    expect(checkerOf(['nodepend.ko'], { '/k/linker.hints': hints }).verdict('/k/nodepend.ko').loads).toBe(
      true,
    );
  });

  it('that cannot be read says so', () => {
    const checker = checkerOf([], { '/k/text.ko': new TextEncoder().encode('no module at all') });
    expect(checker.verdict('/k/text.ko')).toMatchObject({ loads: false, reasons: [{ kind: 'file' }] });
    expect(checker.verdict('/k/none.ko').reasons).toMatchObject([{ text: 'it cannot be read' }]);
  });

  it('is judged as the linker of the machine judges it, also through what it depends on', () => {
    const checker = checkerOf(['consumer.ko', 'provider.ko', 'missing.ko']);
    const verdicts = ['consumer', 'missing'].map((name) => checker.verdict(`/k/${name}.ko`));
    expect(kldVerdictText(verdicts)).toContain('missing.ko on freebsd/14.2-amd64: does not load (ENOEXEC)\n');
    expect(kldVerdictText(verdicts)).toMatch(/\n1 of 2 load\n$/);
    expect(JSON.parse(kldCheckJson(verdicts))).toMatchObject({
      targets: ['freebsd/14.2-amd64'],
      loads: 1,
      refused: 1,
      verdicts: [{ errno: null, log: [] }, { errno: 'ENOEXEC' }],
    });
  });
});
