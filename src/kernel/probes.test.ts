import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AddressSpace, PAGE_KERNEL } from '../cpu/address-space.js';
import type { Instrumentation } from '../cpu/instrumentation.js';
import { RAM, TEST_MAP } from '../cpu/testing/memory-map.js';
import { type ProbeEvent, Probes } from './probes.js';

const TASK = { id: 7, name: 'worker', isInterrupt: false };
const FREED = { memory: 'slab', ptr: 0x1000, size: 8, caller: 0, allocatedBy: 0 } as const;
const ALLOCATED = { memory: 'slab', ptr: 0x1000, size: 8, caller: 0 } as const;

let space: AddressSpace;
let probes: Probes;
let now: number;

beforeEach(() => {
  space = new AddressSpace(TEST_MAP);
  now = 0;
  probes = new Probes(
    space,
    () => now,
    () => TASK,
  );
});

describe('probes', () => {
  it('tell nothing, and have nobody to tell, until somebody subscribes', () => {
    expect(probes.allocated).toBeUndefined();
    const made = vi.fn(() => ALLOCATED);
    probes.allocated?.(made());
    expect(made).not.toHaveBeenCalled();
  });

  it('give events their kind, the virtual time and the task, in the order in which they happen', () => {
    const events: ProbeEvent[] = [];
    probes.subscribe(['allocated', 'freed'], (event) => void events.push(event));
    probes.allocated?.(ALLOCATED);
    now = 5;
    probes.freed?.(FREED);
    expect(events).toEqual([
      { kind: 'allocated', time: 0, task: TASK, ...ALLOCATED },
      { kind: 'freed', time: 5, task: TASK, ...FREED },
    ]);
  });

  it('tell only of the kinds that were asked for', () => {
    probes.subscribe(['allocated'], () => {});
    expect([probes.freed, probes.called, probes.switched]).toEqual([undefined, undefined, undefined]);
  });

  it('are free again when the last one unsubscribes, once or twice', () => {
    const first = vi.fn();
    const second = vi.fn();
    const end = probes.subscribe(['freed'], first);
    const endSecond = probes.subscribe(['freed'], second);
    end();
    end();
    probes.freed?.(FREED);
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([0, 1]);
    endSecond();
    expect(probes.freed).toBeUndefined();
  });

  it('tell a listener that subscribed twice twice, and others may come and go meanwhile', () => {
    const listener = vi.fn(() => {
      for (const end of ends) end();
    });
    const ends = [probes.subscribe(['freed'], listener), probes.subscribe(['freed'], listener)];
    probes.freed?.(FREED);
    expect([listener.mock.calls.length, probes.freed]).toEqual([2, undefined]);
  });

  it('take no virtual time: what a listener reads of memory is not counted', () => {
    space.map(RAM.start, 4096, PAGE_KERNEL);
    probes.subscribe(['freed'], () => space.load64(RAM.start));
    const before = space.accesses;
    probes.freed?.(FREED);
    expect(space.accesses).toBe(before);
    space.load64(RAM.start);
    expect(space.accesses).toBe(before + 1);
  });

  it('keep from the machine what a listener throws, and throw it outside of it', () => {
    const thrown: (() => void)[] = [];
    vi.stubGlobal('queueMicrotask', (body: () => void) => thrown.push(body));
    const other = vi.fn();
    probes.subscribe(['freed'], () => {
      throw new Error('of the listener');
    });
    probes.subscribe(['freed'], other);
    probes.freed?.(FREED);
    vi.unstubAllGlobals();
    expect(other).toHaveBeenCalledOnce();
    expect(thrown[0]).toThrow('of the listener');
  });

  it('have code instrumented only for who asks for calls everywhere or for covered blocks', () => {
    const asked: Instrumentation[] = [];
    probes.instrument = (what) => void asked.push(what);
    probes.subscribe(['called', 'returned'], () => {});
    const calls = probes.subscribe(['called', 'returned'], () => {}, 'everywhere');
    const more = probes.subscribe(['called'], () => {}, 'everywhere');
    const blocks = probes.subscribe(['covered'], () => {});
    calls();
    more();
    blocks();
    expect(asked).toEqual([
      { calls: true, blocks: false },
      { calls: true, blocks: true },
      { calls: false, blocks: true },
      { calls: false, blocks: false },
    ]);
  });
});
