import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type Case, makeCases } from './testing/cases.js';
import { difference } from './testing/compare.js';
import { FIXTURE_COUNT, FIXTURE_SEED, loadFixture } from './testing/fixture.js';
import { assembleCases, type Outcome, runNative } from './testing/native.js';
import { CaseRunner } from './testing/run-case.js';

function compareAll(cases: readonly Case[], code: readonly Uint8Array[], outcomes: readonly Outcome[]): void {
  const runner = new CaseRunner();
  const wrong = cases
    .map((c, i) => difference(c, outcomes[i], runner.run(c, code[i])))
    .filter((text) => text !== undefined);
  expect(wrong).toEqual([]);
}

/** The extensions that the generated cases use, besides what every x86-64 processor has. */
function canRunFresh(): boolean {
  try {
    execFileSync('as', ['--version'], { stdio: 'ignore' });
    const flags = execFileSync('grep', ['-m1', '^flags', '/proc/cpuinfo']).toString();
    const needed = ['bmi1', 'bmi2', 'adx', 'movbe', 'abm', 'sse4_2', 'cx16'];
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return process.arch === 'x64' && needed.every((name) => flags.includes(` ${name} `));
  } catch {
    return false;
  }
}

describe('instructions against a real processor', () => {
  it('agrees with the recorded results', () => {
    const cases = makeCases(FIXTURE_SEED, FIXTURE_COUNT);
    const { code, outcomes } = loadFixture(cases);
    expect(outcomes.length).toBe(FIXTURE_COUNT);
    compareAll(cases, code, outcomes);
  });

  it.runIf(canRunFresh())('agrees with this machine on fresh random cases', () => {
    const seed = Number(process.env['MODBOX_SEED'] ?? Date.now() % 1e9);
    const cases = makeCases(seed, 600);
    const code = assembleCases(cases);
    console.log(`fresh instruction cases: MODBOX_SEED=${seed}`);
    compareAll(cases, code, runNative(cases, code));
  });
});
