import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PAGE_SHIFT, type Ptr } from '../../../cpu/layout.js';
import { VMEMMAP } from '../../memory-map.js';
import { type Guest, guest } from '../../testing/guest.js';
import { SimulatedPciBus } from '../../testing/pci-device.js';
import { deviceOfPci } from '../pci/pci-dev.js';
import { DmaDebug } from './dma-debug.js';

const BIDIRECTIONAL = 0;
const TO_DEVICE = 1;
const FROM_DEVICE = 2;
const SKIP_CPU_SYNC = 1 << 5;
const MAPPING_ERROR = (1n << 64n) - 1n;
const GFP_KERNEL = 0xcc0;

let g: Guest;
let device: Ptr;
let buffer: Ptr;
let handle: Ptr;

const pageOf = (ptr: Ptr): Ptr => VMEMMAP.start + (ptr >>> PAGE_SHIFT) * g.k.sizeOf('page');
const map = (ptr: Ptr, size: number, direction: number, attrs = 0): number =>
  g.call.dma_map_page_attrs(device, pageOf(ptr), ptr & 0xfff, size, direction, attrs);
const unmap = (address: number | bigint, size: number, direction: number): void =>
  void g.call.dma_unmap_page_attrs(device, address, size, direction, 0);
/** What was reported, without whose device it is and addresses. */
const told = (): string[] =>
  g
    .reports()
    .map(({ message }) =>
      message.replace(/^DMA-API: pci 0000:00:03.0: /, '').replace(/(0x)0*[0-9a-f]{8,}/g, '$1X'),
    );
const allows = (kind: 'reads' | 'writes', address: number, bytes: number): boolean =>
  g.k.get(DmaDebug).allows({ device, kind, address, bytes, driver: '' });

beforeAll(() => {
  g = guest();
  const bus = new SimulatedPciBus(g.k);
  const { pdev } = g.run(() => bus.plug({ id: { vendor: 1, device: 2 } }, 3));
  device = deviceOfPci(g.k, pdev);
  handle = g.k.permanent(8);
});

beforeEach(() => {
  buffer = g.k.pages.allocate(1);
  g.reports();
});

describe('a mapping for DMA', () => {
  it('is at the physical address, for as long as it is mapped', () => {
    const address = map(buffer + 16, 100, TO_DEVICE);
    expect(address).toBe(buffer + 16);
    const [entry] = g.k.get(DmaDebug).mappings();
    expect(entry).toMatchObject({ device, kind: 'single', address, size: 100, direction: 'DMA_TO_DEVICE' });
    unmap(address, 100, TO_DEVICE);
    expect([[...g.k.get(DmaDebug).mappings()], told()]).toEqual([[], []]);
  });

  it('ends as it began: size, direction, function', () => {
    unmap(map(buffer, 100, TO_DEVICE), 99, FROM_DEVICE);
    g.call.dma_free_attrs(device, 64, 0, map(buffer, 64, BIDIRECTIONAL), 0);
    expect(told()).toEqual([
      'device driver frees DMA memory with different size [device address=0xX] [map size=100 bytes] [unmap size=99 bytes]',
      'device driver frees DMA memory with different direction [device address=0xX] [size=99 bytes] [mapped with DMA_TO_DEVICE] [unmapped with DMA_FROM_DEVICE]',
    ]);
    unmap(buffer, 64, BIDIRECTIONAL);
    g.call.dma_alloc_attrs(device, 4096, handle, GFP_KERNEL, 0);
    unmap(g.k.space.load64(handle), 4096, BIDIRECTIONAL);
    expect(told()).toEqual([
      'device driver frees DMA memory with wrong function [device address=0xX] [size=4096 bytes] [mapped as coherent] [unmapped as single]',
    ]);
  });

  it('ends once, and where it was', () => {
    const address = map(buffer, 8, TO_DEVICE);
    unmap(address, 8, TO_DEVICE);
    unmap(address, 8, TO_DEVICE);
    unmap(MAPPING_ERROR, 8, TO_DEVICE);
    expect(told()).toEqual([
      expect.stringMatching(
        /^device driver tries to free DMA memory it has not allocated \[device address=0xX\] \[size=8 bytes\], unmapped before by /,
      ),
      'device driver tries to free an invalid DMA memory address',
    ]);
  });

  it('overlaps no other that the device writes to, unless its maker knows', () => {
    const [first, second] = [map(buffer, 100, TO_DEVICE), map(buffer + 50, 100, TO_DEVICE)];
    const known = map(buffer + 20, 4, FROM_DEVICE, SKIP_CPU_SYNC);
    expect(told()).toEqual([]);
    const third = map(buffer + 90, 100, FROM_DEVICE);
    expect(told()).toEqual([
      "cacheline tracking EEXIST, overlapping mappings aren't supported [device address=0xX] [size=100 bytes]",
    ]);
    unmap(first, 100, TO_DEVICE);
    unmap(second, 100, TO_DEVICE);
    unmap(known, 4, FROM_DEVICE);
    unmap(third, 100, FROM_DEVICE);
    expect(told()).toEqual([]);
  });

  it('is handed over within its bounds and in its direction', () => {
    const address = map(buffer, 100, FROM_DEVICE);
    g.call.dma_sync_single_for_cpu(device, address + 10, 20, FROM_DEVICE);
    g.call.dma_sync_single_for_device(device, address, 100, FROM_DEVICE);
    expect(told()).toEqual([]);
    g.call.dma_sync_single_for_cpu(device, address, 200, FROM_DEVICE);
    g.call.dma_sync_single_for_cpu(device, address, 100, TO_DEVICE);
    unmap(address, 100, FROM_DEVICE);
    g.call.dma_sync_single_for_cpu(device, address, 100, FROM_DEVICE);
    expect(told()).toEqual([
      'device driver syncs DMA memory outside allocated range [device address=0xX] [allocation size=100 bytes] [sync offset+size=200]',
      'device driver syncs DMA memory with different direction [device address=0xX] [size=100 bytes] [mapped with DMA_FROM_DEVICE] [synced with DMA_TO_DEVICE]',
      'device driver tries to sync DMA memory it has not allocated [device address=0xX] [size=100 bytes]',
    ]);
  });

  it('is of memory that may be given to devices', () => {
    const text = g.k.symbol('_stext');
    unmap(map(text, 64, TO_DEVICE), 64, TO_DEVICE);
    unmap(map(0x4000_1000, 64, TO_DEVICE), 64, TO_DEVICE);
    expect(told()).toEqual([
      'device driver maps memory from kernel text or rodata [addr=0xX] [len=64]',
      'device driver maps memory from invalid area [addr=0xX] [len=64]',
    ]);
  });

  it('is refused beyond the mask of the device, with a warning the first time', () => {
    expect(g.call.dma_set_mask(device, 0xfff_ffffn)).toBe(0);
    expect(map(buffer, 64, TO_DEVICE)).toBe(2 ** 64);
    expect(told()).toEqual([expect.stringContaining('overflow (mask fffffff, bus limit 0).')]);
    expect([g.call.dma_set_mask(device, 0xffffn), g.call.dma_set_mask(device, 0xffff_ffffn)]).toEqual([
      -5, 0,
    ]);
  });
});

describe('scatterlists', () => {
  it('are mapped entry by entry, and unmapped as the list that they were', () => {
    const table = g.struct.sg_table();
    g.call.sg_alloc_table(table, 2, GFP_KERNEL);
    const type = g.k.struct('scatterlist');
    const list = g.k.struct('sg_table').get(table, 'sgl');
    [list, list + type.size].forEach((entry, i) => {
      const flags = type.getBig(entry, 'page_link') & 3n;
      type.setBig(entry, 'page_link', g.k.space.toAddress(pageOf(buffer + 4096 * i)) | flags);
      type.set(entry, 'length', 512);
    });
    expect(g.call.dma_map_sg_attrs(device, list, 2, FROM_DEVICE, 0)).toBe(2);
    expect(type.get(list + type.size, 'dma_address')).toBe(buffer + 4096);
    expect(allows('writes', buffer + 4096, 512)).toBe(true);
    g.call.dma_sync_sg_for_cpu(device, list, 2, FROM_DEVICE);
    expect(told()).toEqual([]);
    g.call.dma_unmap_sg_attrs(device, list, 1, FROM_DEVICE, 0);
    expect(told()).toEqual([
      'device driver frees DMA sg list with different entry count [map count=2] [unmap count=1]',
    ]);
    unmap(buffer + 4096, 512, FROM_DEVICE);
    expect(told()).toHaveLength(1);
    expect([...g.k.get(DmaDebug).mappings()]).toEqual([]);
    g.call.sg_free_table(table);
  });
});

describe('a device', () => {
  it('reads and writes what is mapped for it, in its direction', () => {
    const [from, to] = [map(buffer, 64, TO_DEVICE), map(buffer + 64, 64, FROM_DEVICE)];
    expect([allows('reads', from, 64), allows('writes', to, 64)]).toEqual([true, true]);
    expect(told()).toEqual([]);
    expect([allows('writes', from, 8), allows('reads', to, 8), allows('writes', to + 60, 8)]).toEqual([
      false,
      false,
      false,
    ]);
    unmap(from, 64, TO_DEVICE);
    expect(allows('reads', from, 64)).toBe(false);
    unmap(to, 64, FROM_DEVICE);
    expect(allows('reads', 0x1234_5678, 4)).toBe(false);
    expect(allows('reads', Number(MAPPING_ERROR), 4)).toBe(false);
    expect(told().map((text) => text.replace(/ by .*/, ''))).toEqual([
      'device writes 8 bytes at 0xX, mapped with DMA_TO_DEVICE',
      'device reads 8 bytes at 0xX, mapped with DMA_FROM_DEVICE',
      'device writes 8 bytes at 0xX, of which those from 0xX on are not mapped for it',
      'device reads 64 bytes at 0xX, no longer mapped for it: mapped',
      'device reads 4 bytes at 0xX, not mapped for it',
      expect.stringContaining('device driver failed to check map error'),
    ]);
  });

  it('goes from one mapping into the next', () => {
    const [first, second] = [map(buffer, 4096, TO_DEVICE), map(buffer + 4096, 4096, TO_DEVICE)];
    expect(allows('reads', buffer, 8192)).toBe(true);
    unmap(first, 4096, TO_DEVICE);
    unmap(second, 4096, TO_DEVICE);
    expect(told()).toEqual([]);
  });

  it('may use blocks of a pool, aligned and within their boundary', () => {
    const pool = g.call.dma_pool_create(g.k.constantString('ring'), device, 96, 32, 4096);
    const blocks = Array.from({ length: 60 }, () => g.call.dma_pool_alloc(pool, GFP_KERNEL, handle));
    for (const block of blocks) expect([block % 32, (block & 0xfff) <= 4096 - 96]).toEqual([0, true]);
    expect(allows('writes', blocks[3], 96)).toBe(true);
    expect(allows('writes', blocks[3], 97)).toBe(false);
    for (const block of blocks) g.call.dma_pool_free(pool, block, block);
    expect(told()).toHaveLength(1);
    g.call.dma_pool_free(pool, blocks[0], blocks[0]);
    expect(told()).toEqual([expect.stringMatching(/^dma_pool_free ring, .*: no block of the pool$/)]);
    g.call.dma_pool_destroy(pool);
    expect([...g.k.get(DmaDebug).mappings()]).toEqual([]);
  });
});

describe('a driver that goes', () => {
  it('leaves nothing mapped: what it does is told of once', () => {
    map(buffer, 64, TO_DEVICE);
    g.k.get(DmaDebug).released(device);
    g.k.get(DmaDebug).released(device);
    expect(told()).toEqual([
      expect.stringMatching(
        /^device driver has pending DMA allocations while released from device \[count=1\] One of leaked entries details: \[device address=0xX\] \[size=64 bytes\] \[mapped with DMA_TO_DEVICE\] \[mapped as single\] \[mapped by /,
      ),
    ]);
    unmap(buffer, 64, TO_DEVICE);
  });
});
