import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { debianRun } from '../../machine/linux/testing/debian-run.js';
import { loadBundled } from '../../target/node/index.js';
import { LinuxKernel } from '../kernel.js';
import { MemoryTiers } from './memory-tiers.js';
import { PageExports } from './pages.js';
import { PageMappings } from './vmap.js';

let k: LinuxKernel;

beforeEach(() => {
  k = new LinuxKernel(loadBundled());
});

describe('vmap', () => {
  const arrayOf = (pages: readonly Ptr[]): Ptr => {
    const array = k.slab.allocateBytes(8 * pages.length, true);
    pages.forEach((page, i) => {
      k.space.storePtr(array + 8 * i, page);
    });
    return array;
  };

  it('of pages that follow each other is their memory', () => {
    const { exports: memory } = k.get(PageExports);
    const { exports: mappings } = k.get(PageMappings);
    const page = memory.alloc_pages(0, 1);
    const next = page + k.sizeOf('page');
    const address = mappings.vmap(arrayOf([page, next]), 2);
    expect(address).toBe(((page - memory.vmalloc_to_page(0)) / k.sizeOf('page')) * 4096);
    mappings.vunmap(address);
  });

  it('of others is refused by name', () => {
    const { exports: memory } = k.get(PageExports);
    const page = memory.alloc_pages(0, 1);
    const backwards = arrayOf([page + k.sizeOf('page'), page]);
    expect(() => k.get(PageMappings).exports.vmap(backwards, 2)).toThrow(/do not follow each other/);
  });
});

it('a kind of memory lives as long as somebody holds it', () => {
  const { exports: tiers } = k.get(MemoryTiers);
  const before = k.ledger.bytes;
  const type = tiers.alloc_memory_type(576);
  expect(k.struct('memory_dev_type').get(type, 'adistance')).toBe(576);
  tiers.put_memory_type(type);
  expect(k.ledger.bytes).toBe(before);
});

/** Logs as Debian's 6.1 has them. */
const LOADS: Readonly<Record<string, readonly string[]>> = {
  kmem: [],
  mtdram: [],
  comedi_test: [
    'comedi: version 0.7.76 - http://www.comedi.org',
    'comedi comedi0: comedi_test: 1000000 microvolt, 100000 microsecond waveform attached',
    "comedi comedi0: driver 'comedi_test' has successfully auto-configured 'comedi_test'.",
  ],
};

for (const [name, log] of Object.entries(LOADS))
  it(`${name} loads and unloads as on the real kernel`, async ({ skip }) => {
    const report = await debianRun(name);
    if (!report) return skip('needs the kernel package');
    expect(report.faults).toEqual([]);
    expect(report.dmesg).toEqual(log);
    expect(report.remove.exit).toBe(0);
    expect(report.leaks).toEqual([]);
  }, 60_000);
