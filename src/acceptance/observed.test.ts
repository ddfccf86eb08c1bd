import { describe, expect, it } from 'vitest';
import { symbolAt } from '../linux/kallsyms/symbolize.js';
import { MODULES } from '../linux/memory-map.js';
import type { Called, ProbeEvent } from '../portable.js';
import { faults, machineWith, ownModule, shell } from './testing/machines.js';

type Machine = ReturnType<typeof machineWith>;

const ALL = [
  'called',
  'returned',
  'allocated',
  'freed',
  'acquired',
  'released',
  'switched',
  'faulted',
] as const;

/** Name of a function, whoever's it is. */
const nameOf = (machine: Machine, { name, fn }: Called): string =>
  name || (symbolAt(machine.kernel, fn)?.name ?? '?');

/** What modules call of the base kernel while `body` runs, in order. */
function callsOf(machine: Machine, body: () => void): string[] {
  const calls: string[] = [];
  const end = machine.probes.subscribe(['called'], (event) => {
    if (event.to === 'kernel') calls.push(event.name);
  });
  body();
  end();
  return calls;
}

/** Loads hello and chardev, uses them, and takes them away; all that was told of it. */
function session(scope: 'boundary' | 'everywhere'): { events: ProbeEvent[]; machine: Machine } {
  const machine = machineWith(['hello', 'chardev']);
  const events: ProbeEvent[] = [];
  machine.probes.subscribe(ALL, (event) => void events.push(event), scope);
  use(machine);
  return { events, machine };
}

function use(machine: Machine): void {
  machine.insmod(ownModule('hello'));
  machine.insmod(ownModule('chardev'));
  shell(machine, 'echo hi > /dev/modboxmem; cat /dev/modboxmem');
  machine.rmmod('chardev');
  machine.rmmod('hello');
}

const textOf = (event: ProbeEvent): string =>
  JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? value.toString() : value));

describe('who listens to a machine', () => {
  it('hears what its modules call, in order, until it has heard enough', () => {
    const machine = machineWith(['hello']);
    expect(callsOf(machine, () => machine.insmod(ownModule('hello')))).toEqual(['_printk', '_printk']);
    expect(callsOf(machine, () => {})).toEqual([]);
    expect(callsOf(machine, () => machine.rmmod('hello'))).toEqual(['_printk']);
    expect(machine.probes.called).toBeUndefined();
  });

  it('hears with which arguments, and what was answered', () => {
    const machine = machineWith(['chardev']);
    const { space } = machine.kernel;
    const told: unknown[] = [];
    machine.probes.subscribe(['called', 'returned'], (event) => {
      if (event.name !== '__kmalloc') return;
      if (event.kind === 'called') told.push(event.words(1)[0]);
      else told.push(typeof event.result, space.isWatched(Number(event.result)));
    });
    machine.insmod(ownModule('chardev'), 'size=100');
    expect(told).toEqual([100n, 'number', true]);
  });

  it('finds for every call the return that is on the same place of the stack', () => {
    const { events } = session('everywhere');
    const open: number[] = [];
    for (const event of events)
      if (event.kind === 'called') open.push(event.frame);
      else if (event.kind === 'returned') expect(open.pop()).toBe(event.frame);
    expect(open).toEqual([]);
  });

  it('sees what is given back of what was allocated: all that a module had', () => {
    const machine = machineWith(['chardev']);
    const live = new Map<number, number>();
    machine.probes.subscribe(['allocated', 'freed'], (event) => {
      if (event.kind === 'allocated') live.set(event.ptr, event.size);
      else {
        expect(live.get(event.ptr)).toBe(event.size);
        live.delete(event.ptr);
      }
    });
    machine.insmod(ownModule('chardev'));
    const loaded = [...live.keys()].some((ptr) => ptr >= MODULES.start && ptr < MODULES.start + MODULES.size);
    machine.rmmod('chardev');
    expect([loaded, [...live.keys()].some((ptr) => machine.kernel.ledger.get(ptr)?.caller)]).toEqual([
      true,
      false,
    ]);
  });

  it('sees calls among modules if it asks for calls everywhere, and nobody else in the process does', () => {
    const EACH = ['modbox_each', ...new Array<string>(4).fill('add_square')];
    const expected = ['modbox_add', 'modbox_add', ...EACH, ...EACH, 'add_square', 'add_square'];
    expected.push('modbox_hidden', 'modbox_hidden');
    for (const scope of ['boundary', 'everywhere', 'boundary', 'everywhere'] as const) {
      const machine = machineWith(['exporter', 'importer']);
      const inside: string[] = [];
      const tell = (event: Called): void => {
        if (event.from === 'guest' && event.to === 'guest') inside.push(nameOf(machine, event));
      };
      machine.probes.subscribe(['called'], tell, scope);
      machine.insmod(ownModule('exporter'));
      machine.insmod(ownModule('importer'));
      expect(inside).toEqual(scope === 'everywhere' ? expected : []);
    }
  });

  it('sees which code was run', () => {
    const machine = machineWith(['chardev']);
    const functions = new Set<string>();
    machine.probes.subscribe(['covered'], ({ at }) =>
      functions.add(symbolAt(machine.kernel, at)?.name ?? ''),
    );
    machine.insmod(ownModule('chardev'));
    shell(machine, 'cat /dev/modboxmem');
    expect([...functions]).toEqual(expect.arrayContaining(['mem_open', 'mem_read', 'mem_release']));
    expect(functions.has('mem_write')).toBe(false);
  });

  it('sees tasks come and go, and faults as they are reported', () => {
    const machine = machineWith([]);
    const told: unknown[] = [];
    machine.probes.subscribe(['switched', 'faulted'], (event) =>
      told.push(event.kind === 'faulted' ? event.fault : event.to.name),
    );
    expect(() => machine.insmod(ownModule('faulty_null_read'))).toThrow();
    expect(told).toEqual(['insmod', faults(machine)[0]]);
  });

  it('is told the same in every run of the same', () => {
    const [first, second] = [session('everywhere'), session('everywhere')];
    expect(first.events.map(textOf)).toEqual(second.events.map(textOf));
  });

  it('changes nothing: time, instructions and log are those of a machine that nobody watches', () => {
    const alone = machineWith(['hello', 'chardev']);
    use(alone);
    for (const scope of ['boundary', 'everywhere'] as const) {
      const { machine } = session(scope);
      expect(machine.kernel.clock.now).toBe(alone.kernel.clock.now);
      expect(machine.kernel.cpu.executed).toBe(alone.kernel.cpu.executed);
      expect(machine.dmesg()).toEqual(alone.dmesg());
    }
  });
});
