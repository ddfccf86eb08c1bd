import { beforeAll, describe, expect, it } from 'vitest';
import { yieldCpu } from '../../kernel/effects.js';
import { Machine } from '../../machine/linux/machine.js';
import type { LinuxTarget } from '../../target/index.js';
import { newerTarget } from '../../testing/targets.js';
import { list } from '../abi/list.js';
import { WorkData } from '../abi/work-data.js';
import { WorkDisabling } from './work-disable.js';
import { Workqueues } from './workqueue.js';

describe('work that is disabled', () => {
  let target: LinuxTarget | undefined;

  beforeAll(async () => {
    target = await newerTarget();
  });

  function boot(from: LinuxTarget) {
    const machine = Machine.boot({ target: from });
    const { kernel: k } = machine;
    const ran: number[] = [];
    const type = k.struct('work_struct');
    const work = k.slab.allocateBytes(type.size, true);
    list.init(k.space, type.addr(work, 'entry'));
    type.setBig(work, 'data.counter', new WorkData(k).idle);
    type.set(
      work,
      'func',
      k.exports.hostFunction('test_work', 'v:p', (at: number) => void ran.push(at)),
    );
    const queue = k.get(Workqueues).create('test');
    const run = (): boolean => {
      const queued = k.get(Workqueues).queueWork(queue, work);
      machine.process('settle', function* () {
        yield* yieldCpu();
        return 0;
      });
      return queued;
    };
    return { ran, work, run, k, api: k.get(WorkDisabling).exports };
  }

  it('is not queued until it was enabled as often as it was disabled', ({ skip }) => {
    if (target === undefined) return skip('needs the newer kernel package');
    const { ran, work, run, api } = boot(target);
    expect(run()).toBe(true);
    expect(ran).toEqual([work]);
    expect(api.disable_work(work)).toBe(false);
    api.disable_work(work);
    expect(run()).toBe(false);
    expect(api.enable_work(work)).toBe(false);
    expect(run()).toBe(false);
    expect(api.enable_work(work)).toBe(true);
    expect(run()).toBe(true);
    expect(ran).toEqual([work, work]);
  });

  it('is taken off its queue when it was pending', ({ skip }) => {
    if (target === undefined) return skip('needs the newer kernel package');
    const { ran, work, k, api } = boot(target);
    const queue = k.get(Workqueues).create('other');
    expect(k.get(Workqueues).queueWork(queue, work)).toBe(true);
    expect(api.disable_work(work)).toBe(true);
    expect(ran).toEqual([]);
  });
});
