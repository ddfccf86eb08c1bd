import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { GRANULE, HOST_AREA } from '../cpu/layout.js';
import type { Machine } from '../machine/linux/machine.js';
import { faults, logFrom, machineWith, ownModule, shell } from './testing/machines.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MB = 2 ** 20;
/** Boots after which code is compiled and caches are full. */
const WARM_UP = 20;
const BOOTS = 20;
const PATIENCE = 20;
const MOMENT_MS = 100;

/** Boots a machine, loads and unloads a module in it, and forgets it. */
function bootOnce(): WeakRef<Machine> {
  const machine = machineWith(['hello']);
  machine.insmod(ownModule('hello'));
  machine.rmmod('hello');
  expect(faults(machine)).toEqual([]);
  return new WeakRef(machine);
}

/** Bytes of the JavaScript heap, after a WeakRef's target may be collected: in another turn of the event loop. */
async function heapInUse(): Promise<number> {
  await nextTurn();
  collect();
  return process.memoryUsage().heapUsed;
}

/** How many are still there. V8 compiles in the background, and what it compiles from may hold one for a moment. */
async function countAlive(machines: readonly WeakRef<Machine>[]): Promise<number> {
  let alive = machines.length;
  for (let i = 0; i < PATIENCE && alive > 0; i++) {
    await heapInUse();
    alive = machines.filter((machine) => machine.deref() !== undefined).length;
    if (alive > 0) await sleep(MOMENT_MS);
  }
  return alive;
}

describe('machines booted one after another in a process', () => {
  it('are collected when nobody holds them, and leave nothing', async () => {
    for (let i = 0; i < WARM_UP; i++) bootOnce();
    const before = await heapInUse();
    const kept = machineWith(['hello']);
    const ofOne = (await heapInUse()) - before;
    const machines = Array.from({ length: BOOTS }, bootOnce);
    expect(await countAlive(machines)).toBe(0);
    const grown = (await heapInUse()) - before - ofOne;
    expect(kept.lsmod()).toEqual([]);
    // A quarter of each machine left would be five of them. V8 keeps what it compiles meanwhile: about one machine's worth.
    expect(ofOne).toBeGreaterThan(MB / 4);
    expect(grown).toBeLessThan((BOOTS / 4) * ofOne);
  }, 120_000);

  it('may have the memory of one before, and notice nothing of it', () => {
    const use = (machine: Machine): string => {
      machine.insmod(ownModule('faulty_leak_kmalloc'), '', '/mods/faulty_leak_kmalloc.ko');
      machine.insmod(ownModule('chardev'), '', '/mods/chardev.ko');
      shell(machine, 'echo hello > /dev/modboxmem');
      return logFrom(machine).join('\n');
    };
    const first = machineWith(['hello']);
    const expected = use(first);
    const memory = first.release();
    const words = new BigUint64Array(memory.buffer, GRANULE, (HOST_AREA - GRANULE) / 8);
    expect(firstNonZero(words)).toBe(undefined);
    const second = machineWith(['hello'], { memory });
    expect(second.kernel.space.memory).toBe(memory);
    expect(use(second)).toBe(expected);
  });
});

function firstNonZero(words: BigUint64Array): number | undefined {
  for (let i = 0; i < words.length; i++) if (words[i] !== 0n) return i;
  return undefined;
}
