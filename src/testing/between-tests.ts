import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach } from 'vitest';

/**
 * Lets the event loop turn after each test. Tests here are mostly synchronous; without it a file of them is one long block, in
 * which the worker does not hear the answers of vitest and gives up on them after a minute.
 */
afterEach(async () => {
  await nextTurn();
});
