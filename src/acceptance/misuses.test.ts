import { describe, expect, it } from 'vitest';
import { faults, logFrom, machineWith, shell } from './testing/machines.js';

interface Ran {
  /** What was logged, without dumps. */
  readonly said: readonly string[];
  readonly kinds: readonly string[];
  readonly removed: number;
}

/** One mode of `misuses`: its log as recorded of the real kernel. */
function ran(mode: number, use = 'true'): Ran {
  const machine = machineWith(['misuses']);
  shell(machine, `insmod /mods/misuses.ko mode=${mode}; ${use}`);
  const { exit } = shell(machine, 'rmmod misuses');
  const dump = /^( |R\w+: |Code|Modules linked|CPU: |Call Trace|misuses: .*taint|---|FS:|[CD]S:|CR2)/;
  const said = logFrom(machine).filter((line) => !dump.test(line));
  return { said, kinds: faults(machine).map(({ kind }) => kind), removed: exit };
}

const warningAt = (place: string): RegExp => new RegExp(`^WARNING: CPU: 0 PID: \\d+ at ${place}\\+`);

describe('misuses that the kernel has a word for', () => {
  it('add_timer() of a pending timer is a warning, and the timer stays as it was', () => {
    const { said, kinds } = ran(1, 'sleep 1');
    expect(said).toEqual([
      expect.stringMatching(warningAt('kernel/time/timer.c:1242 add_timer')),
      'misuses: timer',
    ]);
    expect(kinds).toEqual(['warning']);
  });

  it('a sleep of negative length ends at once', () => {
    expect(ran(2).said).toEqual([
      'schedule_timeout: wrong timeout value fffffffffffffffb',
      'misuses: 0 left',
    ]);
  });

  it('an id below zero is a warning where it is asked for, and nothing where it is freed', () => {
    expect(ran(3).said).toEqual([expect.stringMatching(warningAt('lib/idr.c:86 idr_alloc')), 'misuses: -22']);
  });

  it('names in /proc that cannot be are told by the function that finds out', () => {
    expect(ran(4).said).toEqual([
      "name 'no_such'",
      expect.stringMatching(warningAt('fs/proc/generic.c:734 remove_proc_entry')),
      "name 'misuses_no/such/file'",
      expect.stringMatching(warningAt('fs/proc/generic.c:175 __xlate_proc_name')),
      'name len 0',
      expect.stringMatching(warningAt('fs/proc/generic.c:429 __proc_create')),
      "proc_dir_entry '/proc/misuses' already registered",
      expect.stringMatching(warningAt('fs/proc/generic.c:400 proc_register')),
    ]);
  });

  it('a packet buffer has the room that the allocator gives, and says what it would have become', () => {
    const [over, bug] = ran(5).said;
    expect(over).toMatch(/^skbuff: skb_over_panic: .* len:200 put:200 .* tail:0xc8 end:0xc0 dev:<NULL>$/);
    expect(bug).toBe('kernel BUG at net/core/skbuff.c:120!');
    const [under] = ran(6).said;
    expect(under).toMatch(/^skbuff: skb_under_panic: .* len:200 put:200 .* tail:0x0 end:0xc0 dev:<NULL>$/);
  });

  it('a packet buffer that is freed twice is a double free', () => {
    expect(ran(7).kinds).toEqual(['double-free']);
  });

  it('sysfs names its own function where a page is overfull', () => {
    const { said } = ran(8, 'cat /sys/kernel/misuses/full /sys/kernel/misuses/odd');
    expect(said[0]).toMatch(/^fill_read_buffer: kobj_attr_show\+\S+ returned bad count$/);
    expect(said[1]).toMatch(/^invalid sysfs_emit: buf:/);
    expect(said[2]).toMatch(warningAt('fs/sysfs/file.c:740 sysfs_emit'));
  });

  it("a module that has given back the loader's reference cannot be removed: a BUG", () => {
    const machine = machineWith(['misuses']);
    shell(machine, 'insmod /mods/misuses.ko mode=9');
    expect(shell(machine, 'rmmod -f misuses').exit).toBe(139);
    expect(faults(machine).map(({ message }) => message)).toEqual([
      'kernel BUG at kernel/module/main.c:656!',
    ]);
  });

  it('a thread that has ended is gone for who stops it, unless they hold a reference', () => {
    const { said, kinds } = ran(14);
    expect(said[0]).toBe('refcount_t: addition on 0; use-after-free.');
    expect(kinds).toEqual(['refcount', 'null-dereference']);
    expect(ran(15)).toEqual({ said: ['misuses: it gave 5'], kinds: [], removed: 0 });
  });

  it('a class may go while a device is in it: the module can be removed, the device is left behind', () => {
    const { kinds, removed } = ran(13);
    expect(removed).toBe(0);
    expect(kinds).toContain('left-behind');
  });
});

describe('a module that overwrites its own process', () => {
  it.each([10, 11])('is told of the task_struct, mode %i', (mode) => {
    const machine = machineWith(['misuses']);
    shell(machine, `insmod /mods/misuses.ko mode=${mode}`);
    expect(faults(machine)[0].message).toMatch(/has overwritten the task_struct|general protection fault/);
    expect(faults(machine)[0].module).toBe('misuses');
    expect(shell(machine, 'echo still here').stdout).toBe('still here\n');
  });

  it('is a fault where it is the pointer to the running task', () => {
    const machine = machineWith(['misuses']);
    shell(machine, 'insmod /mods/misuses.ko mode=12');
    expect(faults(machine).map(({ kind }) => kind)).toContain('null-dereference');
    expect(shell(machine, 'echo still here').stdout).toBe('still here\n');
  });
});
