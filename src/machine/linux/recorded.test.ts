import { describe } from 'vitest';
import { debianModules, scenarios } from './testing/recorded.js';
import { itReplays } from './testing/replays.js';

const debian = await debianModules();

describe('the real kernel and modbox agree on', () => {
  for (const scenario of scenarios()) itReplays(scenario, { debian });
});
