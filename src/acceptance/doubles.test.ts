import { describe, expect, it } from 'vitest';
import { faults, logFrom, machineWith, shell } from './testing/machines.js';

const OUT_OF_TREE = 12288;
const DIED = 128;
const WARNED = 512;

interface Recorded {
  readonly mode: number;
  readonly what: string;
  readonly exit: number;
  /** Besides what loading it taints with. */
  readonly taint: number;
  readonly line: string;
}

/** What Debian's 6.1.0-53 did, each in the first insmod after a boot (doubles.c). */
const RECORDED: readonly Recorded[] = [
  {
    mode: 1,
    what: 'class_destroy() of a class that is gone',
    exit: 0,
    taint: WARNED,
    line: 'refcount_t: underflow; use-after-free.',
  },
  { mode: 2, what: 'list_del()', exit: 139, taint: DIED, line: 'kernel BUG at lib/list_debug.c:53!' },
  {
    mode: 4,
    what: 'kobject_add()',
    exit: 0,
    taint: 0,
    line: "sysfs: cannot create duplicate filename '/kernel/doubles'",
  },
  {
    mode: 5,
    what: 'a name of kobjects',
    exit: 0,
    taint: 0,
    line: "sysfs: cannot create duplicate filename '/kernel/doubles'",
  },
  {
    mode: 6,
    what: 'sysfs_create_file()',
    exit: 0,
    taint: 0,
    line: "sysfs: cannot create duplicate filename '/kernel/leaf'",
  },
  {
    mode: 7,
    what: 'kobject_init()',
    exit: 0,
    taint: 0,
    line: 'tried to init an initialized object, something is seriously wrong.',
  },
  { mode: 8, what: 'kobject_put()', exit: 0, taint: WARNED, line: 'refcount_t: underflow; use-after-free.' },
  { mode: 10, what: 'misc_deregister()', exit: 139, taint: DIED, line: 'kernel BUG at lib/list_debug.c:53!' },
  { mode: 11, what: 'kref_put()', exit: 0, taint: WARNED, line: 'refcount_t: underflow; use-after-free.' },
  {
    mode: 12,
    what: 'kref_get() of what is gone',
    exit: 0,
    taint: WARNED,
    line: 'refcount_t: addition on 0; use-after-free.',
  },
];

describe('what may be done once, done twice', () => {
  it.each(RECORDED)('$what: exit status, taint and log are the kernel’s, and it is reported', (recorded) => {
    const machine = machineWith(['doubles']);
    const { exit } = shell(machine, `insmod /mods/doubles.ko mode=${recorded.mode}`);
    expect(exit).toBe(recorded.exit);
    expect(machine.kernel.traps.taint.mask).toBe(OUT_OF_TREE | recorded.taint);
    expect(logFrom(machine).filter((line) => line.endsWith(recorded.line))).toHaveLength(1);
    expect(faults(machine)).toHaveLength(1);
    expect(faults(machine)[0].module).toBe('doubles');
  });
});
