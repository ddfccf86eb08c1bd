import { expect, it } from 'vitest';
import { block } from '../../kernel/effects.js';
import { TASK_INTERRUPTIBLE } from '../abi/task-state.js';
import { guest } from '../testing/guest.js';
import { HrtimerSleepers } from './hrtimer-sleeper.js';

const CLOCK_MONOTONIC = 1;
const MODE_REL = 1;
const MILLISECOND = 1e6;

it('a sleeper’s timer wakes the task that set it up, once', () => {
  const { k, call, struct, run, reports } = guest();
  const sleeper = struct.hrtimer_sleeper!();
  const type = k.struct('hrtimer_sleeper');
  const slept = run(function* () {
    k.get(HrtimerSleepers).exports.hrtimer_init_sleeper(sleeper, CLOCK_MONOTONIC, MODE_REL);
    expect(type.get(sleeper, 'task')).toBe(k.current);
    const before = k.now();
    k.processes.setState(k.current, TASK_INTERRUPTIBLE);
    yield* k.callAs(
      'v:pLLi',
      k.fn('hrtimer_start_range_ns'),
      type.addr(sleeper, 'timer'),
      5 * MILLISECOND,
      0,
      MODE_REL,
    );
    while (type.get(sleeper, 'task') !== 0) yield* block();
    return k.now() - before;
  });
  expect(slept).toBeGreaterThanOrEqual(5 * MILLISECOND);
  expect(slept).toBeLessThan(10 * MILLISECOND);
  expect(call.hrtimer_active!(type.addr(sleeper, 'timer'))).toBe(0);
  expect(reports()).toEqual([]);
});
