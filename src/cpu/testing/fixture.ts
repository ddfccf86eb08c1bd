import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Case } from './cases.js';
import type { Outcome } from './native.js';

/** Native results of makeCases(SEED, COUNT), recorded by record-native.ts. */
export const FIXTURE = new URL('./native-results.json.gz', import.meta.url);
export const FIXTURE_SEED = 2026;
export const FIXTURE_COUNT = 6000;
/** Those of makeVectorCases(SEED, EACH). */
export const VECTOR_FIXTURE = new URL('./native-vector-results.json.gz', import.meta.url);
export const VECTOR_FIXTURE_EACH = 2;

/**
 * Code in base64, changed registers, flags, changed data, fault (vector, RIP less RBX's page, address) or null,
 * changed halves of vector registers in base64.
 */
type Row = [
  code: string,
  regs: Record<number, string>,
  flags: number,
  data: Record<number, number>,
  fault?: [string, string, string] | null,
  vectors?: Record<number, string>,
];

const half = (vectors: Uint8Array, at: number): string =>
  Buffer.from(vectors.subarray(at * 16, at * 16 + 16)).toString('base64');

function changedHalves(before: Uint8Array, after: Uint8Array): Record<number, string> {
  const changed: Record<number, string> = {};
  for (let at = 0; at < 32; at++) if (half(before, at) !== half(after, at)) changed[at] = half(after, at);
  return changed;
}

function applyHalves(before: Uint8Array, changed: Record<number, string>): Uint8Array {
  const after = new Uint8Array(before);
  for (const [at, text] of Object.entries(changed)) after.set(Buffer.from(text, 'base64'), Number(at) * 16);
  return after;
}

export function saveFixture(
  file: URL,
  cases: readonly Case[],
  code: readonly Uint8Array[],
  outcomes: readonly Outcome[],
): void {
  const rows = cases.map((c, i): Row => {
    const o = outcomes[i];
    const regs: Record<number, string> = {};
    o.regs.forEach((value, reg) => {
      if (value !== c.regs[reg]) regs[reg] = value.toString(36);
    });
    const data: Record<number, number> = {};
    o.data.forEach((value, at) => {
      if (value !== c.data[at]) data[at] = value;
    });
    const row: Row = [Buffer.from(code[i]).toString('base64'), regs, o.flags, data];
    if (o.fault) row.push([o.fault.vector, o.fault.rip.toString(), o.fault.address.toString()]);
    if (!c.vectors || !o.vectors) return row;
    if (!o.fault) row.push(null);
    row.push(changedHalves(c.vectors, o.vectors));
    return row;
  });
  writeFileSync(file, gzipSync(JSON.stringify(rows), { level: 9 }));
}

export function loadFixture(file: URL, cases: readonly Case[]): { code: Uint8Array[]; outcomes: Outcome[] } {
  const rows = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Row[];
  const parse = (text: string): bigint => {
    let value = 0n;
    for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36));
    return value;
  };
  const outcomes = rows.map(([, regs, flags, data, fault, vectors], i): Outcome => {
    const changed = new Uint8Array(cases[i].data);
    for (const [at, value] of Object.entries(data)) changed[Number(at)] = value;
    const out = {
      regs: cases[i].regs.map((value, reg) => (regs[reg] === undefined ? value : parse(regs[reg]))),
      flags,
      data: changed,
      ...(vectors && { vectors: applyHalves(cases[i].vectors!, vectors) }),
    };
    if (!fault) return out;
    return { ...out, fault: { vector: fault[0], rip: BigInt(fault[1]), address: BigInt(fault[2]) } };
  });
  return { code: rows.map(([code]) => new Uint8Array(Buffer.from(code, 'base64'))), outcomes };
}
