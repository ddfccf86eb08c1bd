import { describe, expect, it } from 'vitest';
import { Clock } from './clock.js';
import { Random } from './random.js';

const drain = (clock: Clock, until: number): void => {
  clock.now = until;
  for (let alarm = clock.takeDue(); alarm; alarm = clock.takeDue()) alarm.fire();
};

describe('Clock', () => {
  it('fires alarms in order of time, then of arming', () => {
    const clock = new Clock(0n, 4e6);
    const fired: string[] = [];
    clock.arm(20, () => fired.push('b'));
    clock.arm(10, () => fired.push('a'));
    clock.arm(20, () => fired.push('c'));
    clock.arm(30, () => fired.push('late'));
    drain(clock, 20);
    expect(fired).toEqual(['a', 'b', 'c']);
    expect(clock.next).toBe(30);
  });

  it('does not fire what was cancelled', () => {
    const clock = new Clock(0n, 4e6);
    const alarm = clock.arm(10, () => expect.unreachable());
    expect(clock.cancel(alarm)).toBe(true);
    expect(clock.cancel(alarm)).toBe(false);
    drain(clock, 100);
  });

  it('keeps its order through any arming and cancelling', () => {
    const random = new Random(3);
    const clock = new Clock(0n, 4e6);
    const fired: number[] = [];
    const alarms = Array.from({ length: 500 }, () => {
      const at = random.below(10_000);
      return clock.arm(at, () => fired.push(at));
    });
    for (const alarm of alarms) if (random.below(4) === 0) clock.cancel(alarm);
    drain(clock, 10_000);
    expect(fired).toEqual([...fired].sort((a, b) => a - b));
    expect(clock.next).toBeUndefined();
  });

  it('says when a tick boundary was passed', () => {
    const clock = new Clock(0n, 1000);
    let ticks = 0;
    clock.onTick = () => ticks++;
    for (const now of [0, 500, 999, 1000, 1500, 5000]) clock.now = now;
    expect(ticks).toBe(3);
  });
});
