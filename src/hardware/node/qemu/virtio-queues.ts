import type { BusTarget } from '../../bus.js';
import type { MappedMemory } from '../../pci/pci-board.js';
import type { ConfigRegisters } from './config-registers.js';

/** Ids of virtio devices on PCI (Virtual I/O Device (VIRTIO) 1.1, 4.1.2). */
const VENDOR = 0x1af4;
const FIRST_DEVICE = 0x1000;
const LAST_DEVICE = 0x107f;
/** Capability that says where a structure of the device is, and the one that is common to all (4.1.4). */
const VENDOR_CAPABILITY = 0x09;
const COMMON = 1;
/** Common configuration structure (4.1.4.3). */
const DEVICE_STATUS = 0x14;
const SELECT = 0x16;
const SIZE = 0x18;
const ENABLE = 0x1c;
const TABLE = 0x20;
const AVAILABLE = 0x28;
const USED = 0x30;
/** The same of the legacy interface, which has ports (4.1.4.8). */
const LEGACY_SIZE = 0x0c;
const LEGACY_PAGE = 0x08;
const LEGACY_SELECT = 0x0e;
const LEGACY_STATUS = 0x12;
const ALIGNMENT = 4096;
/** A descriptor (2.6.5): address, length, flags, next. */
const DESCRIPTOR_BYTES = 16;
const NEXT = 1;
const ELSEWHERE = 4;

/** A split virtqueue: where its parts are. */
interface Queue {
  readonly size: number;
  readonly table: number;
  readonly available: number;
  readonly used: number;
  /** What the device has been given and has not given back: buffers by the number of their first descriptor. */
  readonly given: Map<number, readonly MappedMemory[]>;
  lastAvailable: number;
  lastUsed: number;
}

/**
 * The queues of a virtio device. Its driver maps nothing for it (virtio_ring's vring_use_dma_api(): the device has all of memory, as a hypervisor has), so what
 * the device may access is what its queues say: their rings, and the buffers in them that the device has not given back.
 */
export class VirtioQueues {
  private readonly queues = new Map<number, Queue>();
  /** Words of addresses that were written, by queue and register: all queues are described before one is enabled. */
  private readonly words = new Map<string, number>();
  private selected = 0;

  private constructor(
    private readonly common: { readonly bar: number; readonly offset: number } | undefined,
  ) {}

  /** Those of a function; undefined where it is no virtio device. */
  static of({ access }: ConfigRegisters): VirtioQueues | undefined {
    const device = access.read(2, 2);
    if (access.read(0, 2) !== VENDOR || device < FIRST_DEVICE || device > LAST_DEVICE) return undefined;
    const seen = new Set<number>();
    for (let at = access.read(0x34, 1); at !== 0 && !seen.has(at); at = access.read(at + 1, 1)) {
      seen.add(at);
      if (access.read(at, 1) === VENDOR_CAPABILITY && access.read(at + 3, 1) === COMMON)
        return new VirtioQueues({ bar: access.read(at + 4, 1), offset: access.read(at + 8, 4) });
    }
    return new VirtioQueues(undefined);
  }

  /** A BAR, of which writes to queues' registers are noted. */
  watch(bar: number, target: BusTarget): BusTarget {
    const { common } = this;
    if (common?.bar === bar)
      return {
        read: (offset, size) => target.read(offset, size),
        write: (offset, size, value) => {
          this.modern(offset - common.offset, size, value, target);
          target.write(offset, size, value);
        },
      };
    if (bar !== 0) return target;
    return {
      read: (offset, size) => target.read(offset, size),
      write: (offset, size, value) => {
        this.legacy(offset, Number(value), target);
        target.write(offset, size, value);
      },
    };
  }

  private modern(offset: number, size: number, value: bigint, target: BusTarget): void {
    const number = Number(value & 0xffff_ffffn);
    if (offset === DEVICE_STATUS && number === 0) this.reset();
    if (offset === SELECT) this.selected = number;
    if (offset >= TABLE && offset < USED + 8) {
      this.words.set(this.key(offset), number);
      if (size === 8) this.words.set(this.key(offset + 4), Number(value >> 32n));
    }
    if (offset !== ENABLE || number === 0) return;
    const at = this.common?.offset ?? 0;
    const place = (where: number): number =>
      (this.words.get(this.key(where)) ?? 0) + (this.words.get(this.key(where + 4)) ?? 0) * 2 ** 32;
    this.add(Number(target.read(at + SIZE, 2)), place(TABLE), place(AVAILABLE), place(USED));
  }

  private key(offset: number): string {
    return `${this.selected} ${offset}`;
  }

  private legacy(offset: number, value: number, target: BusTarget): void {
    if (offset === LEGACY_STATUS && value === 0) this.reset();
    if (offset === LEGACY_SELECT) this.selected = value;
    if (offset !== LEGACY_PAGE) return;
    this.queues.delete(this.selected);
    if (value === 0) return;
    const size = Number(target.read(LEGACY_SIZE, 2));
    const available = value * ALIGNMENT + DESCRIPTOR_BYTES * size;
    this.add(
      size,
      value * ALIGNMENT,
      available,
      Math.ceil((available + 6 + 2 * size) / ALIGNMENT) * ALIGNMENT,
    );
  }

  private reset(): void {
    this.queues.clear();
    this.words.clear();
  }

  private add(size: number, table: number, available: number, used: number): void {
    const queue = { size, table, available, used, given: new Map(), lastAvailable: 0, lastUsed: 0 };
    this.queues.set(this.selected, queue);
  }

  /** Memory that the device may access now. */
  *parts(memory: Uint8Array): Generator<MappedMemory> {
    const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
    for (const queue of this.queues.values()) {
      const { size, table, available, used } = queue;
      if (Math.max(table, available, used) + ALIGNMENT > memory.length) continue;
      follow(view, queue);
      yield { address: table, size: DESCRIPTOR_BYTES * size };
      yield { address: available, size: 6 + 2 * size };
      yield { address: used, size: 6 + 8 * size };
      for (const buffers of queue.given.values()) yield* buffers;
    }
  }
}

/** Takes note of what came back, then of what was given since the last time. */
function follow(view: DataView, queue: Queue): void {
  const { size, available, used, given } = queue;
  for (
    const end = view.getUint16(used + 2, true);
    queue.lastUsed !== end;
    queue.lastUsed = next(queue.lastUsed)
  )
    given.delete(view.getUint32(used + 4 + 8 * (queue.lastUsed % size), true));
  const end = view.getUint16(available + 2, true);
  for (; queue.lastAvailable !== end; queue.lastAvailable = next(queue.lastAvailable)) {
    const head = view.getUint16(available + 4 + 2 * (queue.lastAvailable % size), true);
    given.set(head, [...chain(view, queue.table, size, head)]);
  }
}

const next = (index: number): number => (index + 1) & 0xffff;

/** The buffers of a chain of descriptors. */
function* chain(view: DataView, table: number, size: number, head: number): Generator<MappedMemory> {
  let index = head;
  for (let count = 0; count < size && index < size; count++) {
    const at = table + DESCRIPTOR_BYTES * index;
    const address = Number(view.getBigUint64(at, true));
    const bytes = view.getUint32(at + 8, true);
    const flags = view.getUint16(at + 12, true);
    if (address + bytes > view.byteLength) return;
    if (bytes > 0) yield { address, size: bytes };
    if (flags & ELSEWHERE) yield* chain(view, address, Math.floor(bytes / DESCRIPTOR_BYTES), 0);
    if (!(flags & NEXT)) return;
    index = view.getUint16(at + 14, true);
  }
}
