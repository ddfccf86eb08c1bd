import { describe } from 'vitest';
import { newerTarget } from '../../testing/targets.js';
import { debianModules, newerScenarios } from './testing/recorded.js';
import { itReplays } from './testing/replays.js';

const debian = await debianModules();
const target = await newerTarget();

describe.skipIf(target === undefined)(
  'the real kernel 6.12 and modbox with it as the target agree on',
  () => {
    for (const scenario of newerScenarios()) itReplays(scenario, { debian, target });
  },
);
