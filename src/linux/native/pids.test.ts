import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
// enum pid_type
const PIDTYPE_PID = 0;
const PIDTYPE_TGID = 1;

describe.skipIf(target === undefined)('numbers of tasks, as the target has them', () => {
  const machine = guest({}, target!);
  const { k, call } = machine;

  it('are found from a task, and the task from them', () => {
    const task = machine.run(function* () {
      yield* [];
      return k.current;
    });
    const number = k.struct('task_struct').get(task, 'pid');
    const pid = call.get_task_pid(task, PIDTYPE_PID);
    expect(call.pid_vnr(pid)).toBe(number);
    expect(call.__task_pid_nr_ns(task, PIDTYPE_TGID, 0)).toBe(number);
    expect(call.pid_task(pid, PIDTYPE_PID)).toBe(task);
    call.put_pid(pid);
    expect(machine.reports()).toEqual([]);
  });

  it('have the limits of a first process, and no signal pending', () => {
    const task = machine.run(function* () {
      yield* [];
      return k.current;
    });
    const signal = k.struct('task_struct').get(task, 'signal');
    const file = k.struct('signal_struct').addr(signal, 'rlim') + k.sizeOf('rlimit');
    expect(k.space.load64(file)).toBe(0xffff_ffff_ffff_ffffn);
    call.flush_signals(task);
    expect(k.processes.signalPending(task)).toBe(false);
    expect(machine.reports()).toEqual([]);
  });
});
