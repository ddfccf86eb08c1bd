/** Records what this machine's processor does with the fixtures' cases: npx tsx src/cpu/testing/record-native.ts */
import { type Case, makeCases } from './cases.js';
import {
  FIXTURE,
  FIXTURE_COUNT,
  FIXTURE_SEED,
  saveFixture,
  VECTOR_FIXTURE,
  VECTOR_FIXTURE_EACH,
} from './fixture.js';
import { assembleCases, runNative } from './native.js';
import { makeVectorCases } from './vector-cases.js';

function record(file: URL, cases: readonly Case[]): void {
  const code = assembleCases(cases);
  saveFixture(file, cases, code, runNative(cases, code));
}

if (process.argv[2] !== 'vectors') record(FIXTURE, makeCases(FIXTURE_SEED, FIXTURE_COUNT));
record(VECTOR_FIXTURE, makeVectorCases(FIXTURE_SEED, VECTOR_FIXTURE_EACH));
