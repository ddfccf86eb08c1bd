import { describe, expect, it } from 'vitest';
import type { Machine } from '../machine/linux/machine.js';
import { faults, HELLO_LOG, logFrom, machineWith, runHello, shell } from './testing/machines.js';

/** What tests/modules/hostile does, and as what it is found. `undefined`: it does no harm. */
type Expected = Readonly<Record<string, string | undefined>>;

const CIRCLES: Expected = {
  circle_list_sort: 'soft-lockup',
  circle_kobject: 'soft-lockup',
  circle_notifier: 'soft-lockup',
  circle_rbtree: 'soft-lockup',
  circle_scatterlist: 'soft-lockup',
  circle_resource: 'soft-lockup',
  circle_skb: 'soft-lockup',
  circle_xarray: 'soft-lockup',
  circle_wait: 'soft-lockup',
  circle_dentry: undefined,
};

/** Work that goes on while the module is there; removing it takes the code away that the work is to run. */
const BACKGROUND = [
  'endless_tasklet',
  'endless_timer',
  'endless_hrtimer',
  'endless_irq_work',
  'endless_work',
  'endless_delayed_work',
  'endless_rcu',
] as const;

/** An init that does not end. */
const ENDLESS: Expected = {
  endless_usleep: 'endless',
  endless_schedule: 'endless',
  endless_timeout: 'deadlock',
  endless_printk: 'soft-lockup',
  endless_warn: 'soft-lockup',
  endless_loop: 'soft-lockup',
};

/** What is made until there is no memory for more. */
const MADE = [
  'small',
  'large',
  'page',
  'vmalloc',
  'vmalloc_small',
  'percpu',
  'cache',
  'skb',
  'device',
  'sysfs',
  'kobject',
  'proc',
  'debugfs',
  'kthread',
  'timer',
  'workqueue',
  'class',
] as const;

const ASTRAY: Expected = {
  stack_null: 'null-dereference',
  stack_wild: 'page-fault',
  stack_noncanonical: 'general-protection',
  stack_freed: 'page-fault',
  tags: 'page-fault',
  glob_steps: undefined,
  print_wide: undefined,
  print_long: undefined,
  print_nested: 'stack-overflow',
};

function load(what: string, cmdline = ''): Machine {
  const machine = machineWith(['hostile/hostile'], { cmdline });
  shell(machine, `insmod /mods/hostile/hostile.ko what=${what}`);
  return machine;
}

/** The machine, and the process that it runs in, go on. */
function expectUsable(machine: Machine): void {
  expect(runHello(machine)).toEqual(HELLO_LOG);
}

/** The kinds of what was found, each once. Nothing that happens to a module is an error of modbox. */
function kinds(machine: Machine): string[] {
  const found = new Set<string>(faults(machine).map(({ kind }) => kind));
  expect(found).not.toContain('internal');
  return [...found];
}

function expectFound(what: string, expected: string | undefined): void {
  const machine = load(what);
  if (expected === undefined) expect(kinds(machine)).toEqual([]);
  else expect(kinds(machine)).toContain(expected);
  expectUsable(machine);
}

describe('structures that are linked in a circle', () => {
  for (const [what, expected] of Object.entries(CIRCLES))
    it(`${what}: ${expected ?? 'is noticed by the function itself'}`, () => expectFound(what, expected));
});

describe('work that queues itself again and again', () => {
  for (const what of BACKGROUND)
    it(`${what} keeps neither insmod nor others from ending`, () => {
      const machine = load(what);
      expect(machine.lsmod().map(({ name, state }) => `${name} ${state}`)).toEqual(['hostile Live']);
      expect(kinds(machine)).toEqual([]);
      expectUsable(machine);
    });

  it('a timer that goes on without a later time is a hard lockup', () => {
    const machine = load('endless_hrtimer_stuck');
    expect(kinds(machine)).toEqual(['soft-lockup']);
    expect(logFrom(machine)).toContain('NMI watchdog: Watchdog detected hard LOCKUP on cpu 0');
    expectUsable(machine);
  });
});

describe('an init that does not end', () => {
  for (const [what, expected] of Object.entries(ENDLESS))
    it(`${what}: ${expected}`, () => expectFound(what, expected));

  it('is ended by a limit of time, which says so', () => {
    let polls = 0;
    const machine = machineWith(['hostile/hostile'], {
      interrupt: () => (++polls > 20 ? 'timeout' : undefined),
    });
    const { exit } = shell(machine, 'insmod /mods/hostile/hostile.ko what=endless_loop');
    expect(exit).toBe(137);
    expect(faults(machine).map(({ kind, message }) => [kind, message])).toEqual([
      ['timeout', 'modbox: insmod was stopped: the time that it was given is over'],
    ]);
  });

  it('is ended by its user, as a command is by Ctrl-C', () => {
    let polls = 0;
    const machine = machineWith(['hostile/hostile'], {
      interrupt: () => (++polls === 20 ? 'interrupted' : undefined),
    });
    expect(shell(machine, 'insmod /mods/hostile/hostile.ko what=endless_schedule')).toMatchObject({
      exit: 130,
    });
    expect(faults(machine)).toEqual([]);
    expectUsable(machine);
  });
});

describe('things that are made without end', () => {
  for (const what of MADE)
    it(`${what}: the memory of the machine is the bound`, () => {
      const machine = load(`make_${what}`, 'mem=48M');
      const found = kinds(machine);
      // Who gets an error says how much was made; who cannot do without the memory is killed.
      if (!found.includes('out-of-memory'))
        expect(logFrom(machine).some((line) => line.startsWith('made '))).toBe(true);
      expect(machine.kernel.budget.available).toBeGreaterThanOrEqual(0);
    });

  it('the bound is what mem= says', () => {
    const made = (mem: string): number => {
      const line = logFrom(load('make_page', `mem=${mem}`)).find((text) => text.startsWith('made '));
      return Number(/made (\d+)/.exec(line ?? '')?.[1]);
    };
    expect(made('128M') - made('64M')).toBeGreaterThan(14_000);
    expect(made('128M')).toBeLessThan((128 << 20) / 4096);
  });
});

describe('registers and memory that lead astray', () => {
  for (const [what, expected] of Object.entries(ASTRAY))
    it(`${what}: ${expected ?? 'does no harm'}`, () => expectFound(what, expected));

  it('a module that ruins its own place in the list of modules stops the next one, as list debugging does', () => {
    const machine = load('module_lost');
    shell(machine, 'rmmod hostile');
    shell(machine, 'insmod /mods/hostile/hostile.ko what=tags');
    expect(kinds(machine).length).toBeGreaterThan(0);
  });

  it('a million wild pointers do not fill the memory of the host', () => {
    const machine = machineWith(['hostile/hostile']);
    expect(shell(machine, 'insmod /mods/hostile/hostile.ko what=make_wild limit=200000').exit).toBe(0);
    expect(kinds(machine)).toEqual([]);
  });
});
