import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { allVectorRows } from './decode/vector-table.js';
import { isExecuted } from './runtime/slow-vector.js';
import { type Case, makeCases } from './testing/cases.js';
import { difference } from './testing/compare.js';
import {
  FIXTURE,
  FIXTURE_COUNT,
  FIXTURE_SEED,
  loadFixture,
  VECTOR_FIXTURE,
  VECTOR_FIXTURE_EACH,
} from './testing/fixture.js';
import { assembleCases, type Outcome, runNative } from './testing/native.js';
import { CaseRunner } from './testing/run-case.js';
import { makeVectorCases } from './testing/vector-cases.js';
import { isTranslated } from './translate/vector/families.js';

/** Cases between two looks at the event loop, which the test runner wants to hear from. */
const BATCH = 100;

async function compareAll(
  cases: readonly Case[],
  code: readonly Uint8Array[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const runner = new CaseRunner();
  const wrong: string[] = [];
  for (const [i, c] of cases.entries()) {
    const text = difference(c, outcomes[i], runner.run(c, code[i]));
    if (text !== undefined) wrong.push(text);
    if (i % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(wrong).toEqual([]);
}

/** The extensions that the generated cases use, besides what every x86-64 processor has. */
const GENERAL = ['bmi1', 'bmi2', 'adx', 'movbe', 'abm', 'sse4_2', 'cx16'];
const VECTOR = ['avx2', 'aes', 'pclmulqdq', 'sha_ni', 'vaes', 'vpclmulqdq'];

function canRunFresh(needed: readonly string[]): boolean {
  try {
    execFileSync('as', ['--version'], { stdio: 'ignore' });
    const flags = execFileSync('grep', ['-m1', '^flags', '/proc/cpuinfo']).toString();
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return process.arch === 'x64' && needed.every((name) => flags.includes(` ${name} `));
  } catch {
    return false;
  }
}

/** Another one in every run; in CI, which is to say the same of the same code, always the same. */
function freshSeed(): number {
  return Number(process.env['MODBOX_SEED'] ?? (process.env['CI'] ? FIXTURE_SEED + 1 : Date.now() % 1e9));
}

describe('instructions against a real processor', () => {
  it('agrees with the recorded results', async () => {
    const cases = makeCases(FIXTURE_SEED, FIXTURE_COUNT);
    const { code, outcomes } = loadFixture(FIXTURE, cases);
    expect(outcomes.length).toBe(FIXTURE_COUNT);
    await compareAll(cases, code, outcomes);
  });

  it.runIf(canRunFresh(GENERAL))('agrees with this machine on fresh random cases', async () => {
    const seed = freshSeed();
    const cases = makeCases(seed, 600);
    const code = assembleCases(cases);
    console.log(`fresh instruction cases: MODBOX_SEED=${seed}`);
    await compareAll(cases, code, runNative(cases, code));
  });

  it('agrees with the recorded results of vector instructions', async () => {
    const cases = makeVectorCases(FIXTURE_SEED, VECTOR_FIXTURE_EACH);
    const { code, outcomes } = loadFixture(VECTOR_FIXTURE, cases);
    expect(outcomes.length).toBe(cases.length);
    await compareAll(cases, code, outcomes);
  });

  it.runIf(canRunFresh(VECTOR))('agrees with this machine on fresh vector instructions', async () => {
    const seed = freshSeed();
    const cases = makeVectorCases(seed, 1);
    const code = assembleCases(cases);
    console.log(`fresh vector instructions: MODBOX_SEED=${seed}`);
    await compareAll(cases, code, runNative(cases, code));
  });

  it('has a translation for every vector instruction that it decodes', () => {
    const missing = allVectorRows().filter(
      ({ name, host }) => !(host ? isExecuted(name) : isTranslated(name)),
    );
    expect(missing).toEqual([]);
  });
});
