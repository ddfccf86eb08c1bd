import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const LIST_HEAD = 16;
/** DEF_PRIORITY's neighbours: watermarks are this part of the memory, at the least (watermark_scale_factor of 10000). */
const WATERMARK_SCALE = 10;
const WATERMARK_WHOLE = 10_000;
const WATERMARKS = ['WMARK_MIN', 'WMARK_LOW', 'WMARK_HIGH', 'WMARK_PROMO'];
/** min_free_kbytes is the root of 16 times the memory in KiB, within these. */
const MIN_FREE_KBYTES = 128;
const MAX_FREE_KBYTES = 262_144;
/** Generations that a new lruvec has (MIN_NR_GENS) with CONFIG_LRU_GEN. */
const GENERATIONS = 2;
/** Memory is counted in pieces of 128 MiB where thresholds of statistics are chosen (calculate_normal_threshold()). */
const PAGES_OF_128_MIB = 2 ** 27 / PAGE_SIZE;
const MOST_THRESHOLD = 125;
/** Wait queues of a node, those that a target's struct has. */
const QUEUES = ['kswapd_wait', 'pfmemalloc_wait', 'kcompactd_wait'];

/**
 * The one memory node and its zone, in the kernel's own form (free_area_init() and what follows it in mm/page_alloc.c, mm/mmzone.c,
 * mm/vmstat.c): what code looks at that counts pages, ages them or asks how much is left. All pages are of the first zone, as their
 * flags say. TypeScript keeps no lists of free pages: who looks for one asks it.
 */
export class MemoryNodes implements Subsystem {
  readonly exports = {};
  readonly keeps = ['node_data', 'contig_page_data', '_totalram_pages', 'nr_node_ids', 'nr_online_nodes'];

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    const node = this.place();
    this.fillNode(node);
    this.fillZone(node, k.struct('pglist_data').addr(node, 'node_zones'));
    this.fillLruvec(node, k.struct('pglist_data').addr(node, '__lruvec'));
    for (const [name, value] of [
      ['_totalram_pages', this.total],
      ['nr_node_ids', 1],
      ['nr_online_nodes', 1],
    ] as const)
      if (k.hasSymbol(name)) k.space.store32(k.symbol(name), value);
    this.countFree(k.struct('pglist_data').addr(node, 'node_zones'));
  }

  /** Pages of the machine. */
  private get total(): number {
    return Math.floor(this.k.budget.limit / PAGE_SIZE);
  }

  /** NODE_DATA(0): a variable of its own where there can be one node only. */
  private place(): Ptr {
    const { k } = this;
    if (k.hasSymbol('contig_page_data')) return k.symbol('contig_page_data');
    const node = k.permanent(k.sizeOf('pglist_data'));
    k.space.storePtr(k.symbol('node_data'), node);
    return node;
  }

  private fillNode(node: Ptr): void {
    const { k, total } = this;
    const type = k.struct('pglist_data');
    type.set(node, 'node_id', 0);
    type.set(node, 'node_start_pfn', 0);
    type.set(node, 'node_present_pages', total);
    type.set(node, 'node_spanned_pages', total);
    type.set(node, 'nr_zones', 1);
    for (const queue of QUEUES) if (type.has(queue)) this.initQueue(type.addr(node, queue));
    if (type.has('reclaim_wait')) {
      const queues = type.addr(node, 'reclaim_wait');
      for (let at = 0; at < type.member('reclaim_wait').size; at += k.sizeOf('wait_queue_head'))
        this.initQueue(queues + at);
    }
    if (type.has('kswapd_lock.wait_list')) this.initList(type.addr(node, 'kswapd_lock.wait_list'));
    if (type.has('deferred_split_queue')) this.initList(type.addr(node, 'deferred_split_queue.split_queue'));
    const stats = k.percpu.allocate(k.sizeOf('per_cpu_nodestat'), 8);
    type.set(node, 'per_cpu_nodestats', stats);
    this.setThreshold('per_cpu_nodestat', stats);
    type.set(node, 'totalreserve_pages', this.watermark(2));
    this.fillZonelists(node);
  }

  /** Allocations look through one zone, on each list that there is. */
  private fillZonelists(node: Ptr): void {
    const { k } = this;
    const type = k.struct('pglist_data');
    const zone = type.addr(node, 'node_zones');
    const lists = type.addr(node, 'node_zonelists');
    const bytes = k.sizeOf('zonelist');
    for (let at = 0; at < type.member('node_zonelists').size; at += bytes) {
      const first = k.struct('zonelist').addr(lists + at, '_zonerefs');
      k.struct('zoneref').set(first, 'zone', zone);
      k.struct('zoneref').set(first, 'zone_idx', 0);
    }
  }

  private fillZone(node: Ptr, zones: Ptr): void {
    const { k, total } = this;
    const type = k.struct('zone');
    const count = k.struct('pglist_data').member('node_zones').size / type.size;
    for (let index = 0; index < count; index++) {
      const zone = zones + index * type.size;
      type.set(zone, 'zone_pgdat', node);
      this.fillFreeAreas(zone);
      type.set(zone, 'per_cpu_zonestats', k.symbol('boot_zonestats'));
      type.set(zone, 'per_cpu_pageset', k.symbol('boot_pageset'));
      type.set(zone, 'name', k.constantString(index === 0 ? 'DMA' : 'Empty'));
    }
    if (type.has('node')) type.set(zones, 'node', 0);
    type.set(zones, 'managed_pages.counter', total);
    type.set(zones, 'spanned_pages', total);
    type.set(zones, 'present_pages', total);
    type.set(zones, 'initialized', 1);
    const stats = k.percpu.allocate(k.sizeOf('per_cpu_zonestat'), 8);
    type.set(zones, 'per_cpu_zonestats', stats);
    this.setThreshold('per_cpu_zonestat', stats);
    const marks = type.addr(zones, '_watermark');
    for (const [index] of WATERMARKS.entries()) k.space.storeLong(marks + 8 * index, this.watermark(index));
  }

  /** From how much on a CPU's own counters are added to those of all: a kernel for one CPU counts in those. */
  private setThreshold(struct: string, stats: Ptr): void {
    const { k } = this;
    const type = k.struct(struct);
    if (type.has('stat_threshold')) type.set(k.percpu.deref(stats), 'stat_threshold', this.threshold);
  }

  private fillFreeAreas(zone: Ptr): void {
    const { k } = this;
    const type = k.struct('zone');
    const areas = type.addr(zone, 'free_area');
    const area = k.struct('free_area');
    for (let at = 0; at < type.member('free_area').size; at += area.size)
      this.initLists(area.addr(areas + at, 'free_list'), area.member('free_list').size);
  }

  /** __setup_per_zone_wmarks(): pages below which the allocator minds, by how far it is. */
  private watermark(index: number): number {
    const kbytes = Math.floor(Math.sqrt(this.total * (PAGE_SIZE / 1024) * 16));
    const kept = Math.min(Math.max(kbytes, MIN_FREE_KBYTES), MAX_FREE_KBYTES);
    const min = Math.floor(kept / (PAGE_SIZE / 1024));
    const step = Math.max(min >> 2, Math.floor((this.total * WATERMARK_SCALE) / WATERMARK_WHOLE));
    return min + index * step;
  }

  /** calculate_normal_threshold() on one CPU: how far a per-CPU difference may go. */
  private get threshold(): number {
    const pieces = Math.floor(this.total / PAGES_OF_128_MIB);
    return Math.min(2 * (1 + (pieces === 0 ? 0 : 32 - Math.clz32(pieces))), MOST_THRESHOLD);
  }

  /** lruvec_init(): pages by how lately they were used, of which there are none yet. */
  private fillLruvec(node: Ptr, lruvec: Ptr): void {
    const { k } = this;
    const type = k.struct('lruvec');
    this.initLists(type.addr(lruvec, 'lists'), type.member('lists').size);
    // What cannot be reclaimed is in no list: whoever takes it for one stops.
    list.del(k.space, type.addr(lruvec, 'lists') + LIST_HEAD * k.enumValue('LRU_UNEVICTABLE'));
    if (type.has('pgdat')) type.set(lruvec, 'pgdat', node);
    for (const lists of ['lrugen.lists', 'lrugen.folios'])
      if (type.has(lists)) this.initLists(type.addr(lruvec, lists), type.member(lists).size);
    if (type.has('lrugen.max_seq')) type.set(lruvec, 'lrugen.max_seq', GENERATIONS + 1);
    if (type.has('lrugen.enabled')) type.set(lruvec, 'lrugen.enabled', 0);
    if (type.has('mm_state.seq')) type.set(lruvec, 'mm_state.seq', GENERATIONS);
    if (type.has('mm_state.wait')) this.initQueue(type.addr(lruvec, 'mm_state.wait'));
  }

  /** NR_FREE_PAGES, of the zone and of all, follows the allocator. */
  private countFree(zone: Ptr): void {
    const { k } = this;
    const index = k.enumValue('NR_FREE_PAGES');
    const places = [k.struct('zone').addr(zone, 'vm_stat') + 8 * index];
    if (k.hasSymbol('vm_zone_stat')) places.push(k.symbol('vm_zone_stat') + 8 * index);
    const view = new DataView(k.space.bytes.buffer);
    k.pages.changed = () => {
      const free = Math.floor(k.budget.available / PAGE_SIZE);
      for (const at of places) view.setUint32(at, free, true);
    };
    k.pages.changed();
  }

  private initLists(at: Ptr, bytes: number): void {
    for (let offset = 0; offset < bytes; offset += LIST_HEAD) this.initList(at + offset);
  }

  private initList(at: Ptr): void {
    list.init(this.k.space, at);
  }

  private initQueue(at: Ptr): void {
    this.initList(this.k.struct('wait_queue_head').addr(at, 'head'));
  }
}
