/** Records what this machine's processor does with the fixture's cases: npx tsx src/cpu/testing/record-native.ts */
import { makeCases } from './cases.js';
import { FIXTURE_COUNT, FIXTURE_SEED, saveFixture } from './fixture.js';
import { assembleCases, runNative } from './native.js';

const cases = makeCases(FIXTURE_SEED, FIXTURE_COUNT);
const code = assembleCases(cases);
saveFixture(cases, code, runNative(cases, code));
