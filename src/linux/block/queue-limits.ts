import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { LOGLEVEL_INFO } from '../../kernel/log.js';
import { EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { Mutexes } from '../locking/mutex.js';
import type { Subsystem } from '../subsystem.js';

export const SECTOR_SHIFT = 9;
/** Limits that a queue starts with (block/blk-settings.c, include/linux/blkdev.h). */
const SAFE_MAX_SECTORS = 255;
const DEFAULT_MAX_SECTORS = 2560;
const MAX_SEGMENTS = 128;
const MAX_SEGMENT_SIZE = 65536;
const SEGMENT_BOUNDARY = 0xffff_ffff;
const NO_LIMIT = 0xffff_ffff;
/** queue_flags: a volatile write cache, and forced unit access. */
const QUEUE_FLAG_WC = 17;
const QUEUE_FLAG_FUA = 18;

const roundDown = (value: number, to: number): number => value - (value % to);

/** What a queue's device can take: struct queue_limits (block/blk-settings.c). */
export class QueueLimits implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    blk_set_stacking_limits: (limits: Ptr) => this.setStacking(limits),
    blk_queue_max_hw_sectors: (q: Ptr, sectors: number) => this.maxHwSectors(q, sectors),
    blk_queue_chunk_sectors: (q: Ptr, value: number) => this.set(q, 'chunk_sectors', value),
    blk_queue_max_discard_sectors: (q: Ptr, value: number) => {
      this.set(q, 'max_hw_discard_sectors', value);
      this.set(q, 'max_discard_sectors', value);
    },
    blk_queue_max_secure_erase_sectors: (q: Ptr, value: number) =>
      this.set(q, 'max_secure_erase_sectors', value),
    blk_queue_max_write_zeroes_sectors: (q: Ptr, value: number) =>
      this.set(q, 'max_write_zeroes_sectors', value),
    blk_queue_max_segments: (q: Ptr, value: number) => this.set(q, 'max_segments', Math.max(value, 1)),
    blk_queue_max_discard_segments: (q: Ptr, value: number) => this.set(q, 'max_discard_segments', value),
    blk_queue_max_segment_size: (q: Ptr, value: number) =>
      this.set(q, 'max_segment_size', Math.max(value, PAGE_SIZE)),
    blk_queue_logical_block_size: (q: Ptr, size: number) => this.logicalBlockSize(q, size),
    blk_queue_physical_block_size: (q: Ptr, size: number) => this.physicalBlockSize(q, size),
    blk_queue_alignment_offset: (q: Ptr, offset: number) => {
      this.set(q, 'alignment_offset', offset & (this.get(q, 'physical_block_size') - 1));
      this.set(q, 'misaligned', 0);
    },
    blk_queue_io_min: (q: Ptr, value: number) => this.ioMin(this.of(q), value),
    blk_limits_io_min: (limits: Ptr, value: number) => this.ioMin(limits, value),
    blk_queue_io_opt: (q: Ptr, value: number) => this.set(q, 'io_opt', value),
    blk_limits_io_opt: (limits: Ptr, value: number) =>
      this.k.struct('queue_limits').set(limits, 'io_opt', value),
    blk_queue_segment_boundary: (q: Ptr, mask: number) =>
      this.set(q, 'seg_boundary_mask', Math.max(mask, PAGE_SIZE - 1)),
    blk_queue_virt_boundary: (q: Ptr, mask: number) => {
      this.set(q, 'virt_boundary_mask', mask);
      if (mask !== 0) this.set(q, 'max_segment_size', NO_LIMIT);
    },
    blk_queue_dma_alignment: (q: Ptr, mask: number) => this.set(q, 'dma_alignment', mask),
    blk_queue_update_dma_alignment: (q: Ptr, mask: number) =>
      this.set(q, 'dma_alignment', Math.max(mask, this.get(q, 'dma_alignment'))),
    blk_queue_rq_timeout: (q: Ptr, timeout: number) =>
      this.k.struct('request_queue').set(q, 'rq_timeout', timeout),
    blk_set_queue_depth: (q: Ptr, depth: number) =>
      this.k.struct('request_queue').set(q, 'queue_depth', depth),
    blk_queue_write_cache: (q: Ptr, cache: boolean, fua: boolean) => {
      this.flag(q, QUEUE_FLAG_WC, cache);
      this.flag(q, QUEUE_FLAG_FUA, fua);
    },
    queue_limits_commit_update: (q: Ptr, limits: Ptr) => this.commitLocked(q, limits),
    queue_limits_set: (q: Ptr, limits: Ptr) => this.commit(q, limits),
    blk_queue_flag_set: (flag: number, q: Ptr) => {
      this.flag(q, flag, true);
    },
    blk_queue_flag_clear: (flag: number, q: Ptr) => {
      this.flag(q, flag, false);
    },
    blk_queue_flag_test_and_set: (flag: number, q: Ptr) => this.flag(q, flag, true),
  };

  /** blk_set_default_limits() */
  setDefaults(limits: Ptr): void {
    const type = this.k.struct('queue_limits');
    const defaults: Readonly<Record<string, number>> = {
      max_segments: MAX_SEGMENTS,
      max_discard_segments: 1,
      seg_boundary_mask: SEGMENT_BOUNDARY,
      max_segment_size: MAX_SEGMENT_SIZE,
      max_sectors: SAFE_MAX_SECTORS,
      max_hw_sectors: SAFE_MAX_SECTORS,
      logical_block_size: 1 << SECTOR_SHIFT,
      physical_block_size: 1 << SECTOR_SHIFT,
      io_min: 1 << SECTOR_SHIFT,
      dma_alignment: 511,
    };
    for (const [name, value] of Object.entries(defaults)) if (type.has(name)) type.set(limits, name, value);
  }

  /** queue_limits_commit_update(): the caller has taken limits_lock to change a copy, and is done. */
  private commitLocked(q: Ptr, limits: Ptr): number {
    const error = this.commit(q, limits);
    // structs: request_queue.limits_lock is there where queue_limits_commit_update() is.
    const lock = this.k.struct('request_queue').addr(q, 'limits_lock');
    this.k.get(Mutexes).unlock(lock);
    return error;
  }

  /** blk_validate_limits(): gives a queue limits; what they leave open gets its default. -EINVAL for nonsense. */
  commit(q: Ptr, wanted: Ptr): number {
    const type = this.k.struct('queue_limits');
    const get = (name: string): number => type.get(wanted, name);
    const fill = (name: string, value: number): void => {
      if (get(name) === 0) type.set(wanted, name, value);
    };
    fill('logical_block_size', 1 << SECTOR_SHIFT);
    const block = get('logical_block_size');
    if (block < 1 << SECTOR_SHIFT || (block & (block - 1)) !== 0) return -EINVAL;
    type.set(wanted, 'physical_block_size', Math.max(get('physical_block_size'), block));
    type.set(wanted, 'io_min', Math.max(get('io_min'), get('physical_block_size')));
    fill('max_hw_sectors', SAFE_MAX_SECTORS);
    if (get('max_hw_sectors') < PAGE_SIZE >> SECTOR_SHIFT) return -EINVAL;
    type.set(wanted, 'max_hw_sectors', roundDown(get('max_hw_sectors'), block >> SECTOR_SHIFT));
    const most = Math.min(get('max_hw_sectors'), get('max_dev_sectors') || NO_LIMIT);
    type.set(wanted, 'max_sectors', roundDown(Math.min(most, DEFAULT_MAX_SECTORS), block >> SECTOR_SHIFT));
    fill('max_segments', MAX_SEGMENTS);
    fill('max_discard_segments', 1);
    fill('seg_boundary_mask', SEGMENT_BOUNDARY);
    if (get('seg_boundary_mask') < PAGE_SIZE - 1) return -EINVAL;
    fill('max_segment_size', get('virt_boundary_mask') === 0 ? MAX_SEGMENT_SIZE : NO_LIMIT);
    if (get('max_segment_size') < PAGE_SIZE) return -EINVAL;
    fill('dma_alignment', (1 << SECTOR_SHIFT) - 1);
    this.k.space.bytes.copyWithin(this.of(q), wanted, wanted + type.size);
    return 0;
  }

  private setStacking(limits: Ptr): void {
    this.setDefaults(limits);
    const type = this.k.struct('queue_limits');
    const open = ['max_sectors', 'max_hw_sectors', 'max_dev_sectors', 'max_segment_size'];
    for (const name of [...open, 'max_write_zeroes_sectors', 'max_zone_append_sectors'])
      type.set(limits, name, NO_LIMIT);
    type.set(limits, 'max_segments', 0xffff);
    type.set(limits, 'max_discard_segments', 1);
  }

  private of(q: Ptr): Ptr {
    return this.k.struct('request_queue').addr(q, 'limits');
  }

  private get(q: Ptr, name: string): number {
    return this.k.struct('queue_limits').get(this.of(q), name);
  }

  private set(q: Ptr, name: string, value: number): void {
    this.k.struct('queue_limits').set(this.of(q), name, value);
  }

  private maxHwSectors(q: Ptr, sectors: number): void {
    let most = sectors;
    if (most * 2 ** SECTOR_SHIFT < PAGE_SIZE) {
      most = PAGE_SIZE >> SECTOR_SHIFT;
      this.k.log.line(`blk_queue_max_hw_sectors: set to minimum ${most}`, LOGLEVEL_INFO);
    }
    const block = this.get(q, 'logical_block_size') >> SECTOR_SHIFT;
    most = roundDown(most, block);
    this.set(q, 'max_hw_sectors', most);
    const device = this.get(q, 'max_dev_sectors');
    const both = device === 0 ? most : Math.min(most, device);
    this.set(q, 'max_sectors', roundDown(Math.min(both, DEFAULT_MAX_SECTORS), block));
  }

  private logicalBlockSize(q: Ptr, size: number): void {
    this.set(q, 'logical_block_size', size);
    if (this.get(q, 'physical_block_size') < size) this.set(q, 'physical_block_size', size);
    const physical = this.get(q, 'physical_block_size');
    if (this.get(q, 'io_min') < physical) this.set(q, 'io_min', physical);
    const block = size >> SECTOR_SHIFT;
    this.set(q, 'max_hw_sectors', roundDown(this.get(q, 'max_hw_sectors'), block));
    this.set(q, 'max_sectors', roundDown(this.get(q, 'max_sectors'), block));
  }

  private physicalBlockSize(q: Ptr, size: number): void {
    const physical = Math.max(size, this.get(q, 'logical_block_size'));
    this.set(q, 'physical_block_size', physical);
    if (this.get(q, 'io_min') < physical) this.set(q, 'io_min', physical);
  }

  private ioMin(limits: Ptr, value: number): void {
    const type = this.k.struct('queue_limits');
    const least = Math.max(
      value,
      type.get(limits, 'logical_block_size'),
      type.get(limits, 'physical_block_size'),
    );
    type.set(limits, 'io_min', least);
  }

  /** Sets or clears a queue flag; whether it was set before. */
  private flag(q: Ptr, bit: number, on: boolean): boolean {
    const type = this.k.struct('request_queue');
    const before = type.getBig(q, 'queue_flags');
    const mask = 1n << BigInt(bit);
    type.setBig(q, 'queue_flags', on ? before | mask : before & ~mask);
    return (before & mask) !== 0n;
  }
}
