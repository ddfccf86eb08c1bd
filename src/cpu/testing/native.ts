import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CASE_DATA_SIZE, type Case } from './cases.js';

const CODE_BYTES = 120;
const IN_SIZE = 16 * 8 + 8 + CASE_DATA_SIZE + CODE_BYTES + 8;
const OUT_SIZE = 16 * 8 + 8 + CASE_DATA_SIZE + 24;
/** YMM0 to YMM15, at the end of records where there are any. */
const VECTOR_BYTES = 512;
const SIGNALS: Record<number, string> = { 4: 'UD', 5: 'BP', 7: 'AC', 8: 'DE', 11: 'PF' };

/** State after a case ran. */
export interface Outcome {
  readonly regs: readonly bigint[];
  readonly flags: number;
  readonly data: Uint8Array;
  readonly vectors?: Uint8Array;
  /** Exception raised, with RIP, instead of running through. */
  readonly fault?: { readonly vector: string; readonly rip: bigint; readonly address: bigint };
}

/** Machine code of each case: one run of the assembler. */
export function assembleCases(cases: readonly Case[]): Uint8Array[] {
  const dir = mkdtempSync(join(tmpdir(), 'modbox-native-'));
  try {
    const path = (name: string): string => join(dir, name);
    const text = cases.map(
      ({ source }) => `.balign 128, 0x90\n100: ${source}\n101:\n.section lengths\n.byte 101b-100b\n.text\n`,
    );
    writeFileSync(path('a.s'), `.intel_syntax noprefix\n.text\n${text.join('')}`);
    execFileSync('as', ['-o', path('a.o'), path('a.s')], { stdio: ['ignore', 'ignore', 'inherit'] });
    for (const section of ['.text', 'lengths'])
      execFileSync('objcopy', [
        '-O',
        'binary',
        '-j',
        section,
        '--set-section-flags',
        `${section}=alloc`,
        path('a.o'),
        path(section),
      ]);
    const code = readFileSync(path('.text'));
    const lengths = readFileSync(path('lengths'));
    return cases.map((_, i) => new Uint8Array(code.subarray(i * 128, i * 128 + lengths[i])));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Runs cases, all or none of them with vectors, on this machine's processor, in a child process. */
export function runNative(cases: readonly Case[], code: readonly Uint8Array[]): Outcome[] {
  const dir = mkdtempSync(join(tmpdir(), 'modbox-native-'));
  try {
    const program = join(dir, 'native');
    const source = fileURLToPath(new URL('./native.c', import.meta.url));
    const more = cases[0]?.vectors ? VECTOR_BYTES : 0;
    const define = more ? ['-DVECTORS'] : [];
    execFileSync('gcc', ['-O1', '-w', ...define, '-o', program, source], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const input = Buffer.alloc(cases.length * (IN_SIZE + more));
    cases.forEach((c, i) => {
      const at = i * (IN_SIZE + more);
      if (c.vectors) input.set(c.vectors, at + IN_SIZE);
      c.regs.forEach((value, reg) => {
        input.writeBigUInt64LE(value, at + reg * 8);
      });
      input.writeBigUInt64LE(BigInt(c.flags), at + 128);
      input.set(c.data, at + 136);
      input.set(code[i], at + 136 + CASE_DATA_SIZE);
      input.writeBigUInt64LE(BigInt(code[i].length), at + 136 + CASE_DATA_SIZE + CODE_BYTES);
    });
    const result = spawnSync(program, { input, maxBuffer: 1 << 30, timeout: 60_000 });
    if (result.status !== 0 || result.stdout.length !== cases.length * (OUT_SIZE + more))
      throw new Error(`native run failed: ${result.status} ${result.signal} ${result.stdout.length}`);
    return cases.map((_, i) => {
      const at = i * (OUT_SIZE + more);
      const outcome = readOutcome(result.stdout.subarray(at, at + OUT_SIZE));
      if (!more) return outcome;
      return {
        ...outcome,
        vectors: new Uint8Array(result.stdout.subarray(at + OUT_SIZE, at + OUT_SIZE + more)),
      };
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function readOutcome(record: Buffer): Outcome {
  const regs = Array.from({ length: 16 }, (_, reg) => record.readBigUInt64LE(reg * 8));
  const data = new Uint8Array(record.subarray(136, 136 + CASE_DATA_SIZE));
  const tail = 136 + CASE_DATA_SIZE;
  const signal = Number(record.readBigUInt64LE(tail));
  const out: Outcome = { regs, flags: Number(record.readBigUInt64LE(128)), data };
  if (!signal) return out;
  const vector = SIGNALS[signal] ?? `signal ${signal}`;
  return {
    ...out,
    fault: { vector, rip: record.readBigUInt64LE(tail + 8), address: record.readBigUInt64LE(tail + 16) },
  };
}
