import type { Ptr } from '../../../cpu/layout.js';
import type { Holding, Origin } from '../../holding.js';
import { ModuleHistory } from '../../kallsyms/module-history.js';
import type { LinuxKernel } from '../../kernel.js';
import { deviceName, driverName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { callTrace } from '../../traps/call-trace.js';
import { warn } from '../../warn.js';
import { type DmaMappingEntry, DmaTable, mayRead, mayWrite } from './dma-table.js';

/** DMA_MAPPING_ERROR */
export const DMA_MAPPING_ERROR = (1n << 64n) - 1n;

/** What a driver says of a mapping when it ends it or hands it over. */
export type DmaReference = Pick<DmaMappingEntry, 'device' | 'kind' | 'size' | 'direction'> & {
  readonly address: bigint;
  /** How many entries the scatterlist has that this is of; undefined where the function takes no list. */
  readonly entries?: number;
};

/** What a device does to memory by itself. */
export interface DeviceAccess {
  /** struct device of the function on the bus. */
  readonly device: Ptr;
  readonly address: number | bigint;
  readonly bytes: number;
  readonly kind: 'reads' | 'writes';
  /** The driver's function that accessed the device last: `edu_write+0x12/0x40 [edu]`, '' if none did. */
  readonly driver: string;
}

const hex = (value: number | bigint): string =>
  `0x${BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0')}`;
const place = ({ address, size }: { address: number | bigint; size: number }): string =>
  `[device address=${hex(address)}] [size=${size} bytes]`;

/** The driver's function that a device was accessed by last, as a remark. */
export const told = (driver: string): string => (driver === '' ? '' : `, as told by ${driver}`);

/**
 * What drivers map for their devices, and whether they keep to it: the checks of CONFIG_DMA_API_DEBUG (kernel/dma/debug.c), and those of an
 * IOMMU, which lets a device access what is mapped for it and nothing else. Always reported; the log has it where the target's kernel is built so.
 */
export class DmaDebug implements Subsystem {
  readonly exports = {};
  private readonly table = new DmaTable();
  /** Left mapped, and told of when its driver went. */
  private readonly told = new WeakSet<DmaMappingEntry>();
  private readonly seen = new Set<string>();

  constructor(private readonly k: LinuxKernel) {}

  *holds(): Generator<Holding> {
    for (const entry of this.table.all()) {
      if (this.told.has(entry)) continue;
      const { address: at, device, by } = entry;
      yield { kind: 'DMA mapping', at, by, name: () => `${place(entry)} of ${this.nameOf(device)}` };
    }
  }

  /** What is mapped now, for whoever keeps a copy of guest memory for a device. */
  mappings(): Iterable<DmaMappingEntry> {
    return this.table.all();
  }

  /** A driver has mapped something. */
  map(given: Omit<DmaMappingEntry, 'by'>): void {
    const entry = { ...given, by: this.k.origins.here() };
    const other = this.table.overlapping(entry);
    if (other && !entry.mayOverlap && !other.mayOverlap && this.conflict(entry, other))
      this.tell(
        entry.device,
        `cacheline tracking EEXIST, overlapping mappings aren't supported ${place(entry)}`,
        entry.address,
        { trace: [other.by] },
      );
    this.table.add(entry);
  }

  /** Two mappings of the same bytes are one too many where the device writes through either. */
  private conflict(one: DmaMappingEntry, other: DmaMappingEntry): boolean {
    const streaming = ({ kind }: DmaMappingEntry): boolean => kind === 'single' || kind === 'scatter-gather';
    return streaming(one) && streaming(other) && (mayWrite(one) || mayWrite(other));
  }

  /** check_unmap() */
  unmap(reference: DmaReference): void {
    const { device, address } = reference;
    const entry = this.bestOf(this.table.at(device, Number(address)), reference);
    if (!entry) {
      this.tellUnknown(reference);
      return;
    }
    for (const text of mismatches(entry, reference)) this.tell(device, text, address, { trace: [entry.by] });
    this.table.remove(entry, this.k.origins.here());
  }

  /** Memory is given back that is mapped by another address than was said. */
  forgetCoherent(device: Ptr, address: number): void {
    for (const entry of this.table.at(device, address))
      if (entry.kind === 'coherent') this.table.remove(entry, this.k.origins.here());
  }

  /** How many entries the scatterlist had that begins at an address; undefined for what is none. */
  entriesOf(device: Ptr, address: number): number | undefined {
    return this.table.at(device, address).find(({ kind }) => kind === 'scatter-gather')?.entries;
  }

  private bestOf(
    candidates: readonly DmaMappingEntry[],
    reference: DmaReference,
  ): DmaMappingEntry | undefined {
    const score = (entry: DmaMappingEntry): number => -mismatches(entry, reference).length;
    return [...candidates].sort((a, b) => score(b) - score(a))[0];
  }

  private tellUnknown({ device, address, size }: DmaReference): void {
    if (address === DMA_MAPPING_ERROR) {
      this.tell(device, 'device driver tries to free an invalid DMA memory address', address);
      return;
    }
    const ended = this.table.lastEnded(device, Number(address));
    const before = ended ? `, unmapped before by ${this.symbolize(ended.by)}` : '';
    const text = `device driver tries to free DMA memory it has not allocated ${place({ address, size })}${before}`;
    this.tell(device, text, address);
  }

  /** check_sync() */
  sync({ device, address, size, direction }: Omit<DmaReference, 'kind'>): void {
    const at = Number(address);
    const entry = this.table.containing(device, at, size) ?? this.table.having(device, at)[0];
    const where = place({ address, size });
    if (!entry) {
      this.tell(device, `device driver tries to sync DMA memory it has not allocated ${where}`, address);
      return;
    }
    const trace = [entry.by];
    const end = at - entry.address + size;
    if (end > entry.size) {
      const sizes = `[allocation size=${entry.size} bytes] [sync offset+size=${end}]`;
      const text = `device driver syncs DMA memory outside allocated range [device address=${hex(address)}] ${sizes}`;
      this.tell(device, text, address, { trace });
    }
    if (entry.direction === 'DMA_BIDIRECTIONAL' || direction === entry.direction) return;
    const directions = `[mapped with ${entry.direction}] [synced with ${direction}]`;
    const text = `device driver syncs DMA memory with different direction ${where} ${directions}`;
    this.tell(device, text, address, { trace });
  }

  /** Memory that no device should be given is mapped. */
  tellArea(device: Ptr, area: string, address: Ptr, size: number): void {
    const at = hex(this.k.space.toAddress(address));
    this.tell(device, `device driver maps memory from ${area} [addr=${at}] [len=${size}]`, address);
  }

  /** A driver has left its device, or its probe has failed: what it leaves mapped is told of once. */
  released(device: Ptr): void {
    const left = [...this.table.of(device)].filter((entry) => !this.told.has(entry));
    if (left.length === 0) return;
    for (const entry of left) this.told.add(entry);
    const [first] = left;
    const details = `${place(first)} [mapped with ${first.direction}] [mapped as ${first.kind}] [mapped by ${this.symbolize(first.by)}]`;
    const text = `device driver has pending DMA allocations while released from device [count=${left.length}] One of leaked entries details: ${details}`;
    this.tell(device, text, first.address, { culprit: first.by });
  }

  /** The struct device goes. */
  forget(device: Ptr): void {
    this.table.forget(device);
  }

  /** Whether a device may do that; what it may not is told of, with the driver's part in it. */
  allows(access: DeviceAccess): boolean {
    const { device, bytes, kind } = access;
    const address = Number(access.address);
    const owners = this.table.owners().filter((owner) => owner === device || this.isBelow(owner, device));
    const may = kind === 'reads' ? mayRead : mayWrite;
    // Nothing is mapped up there, and numbers are not exact.
    if (address + bytes > Number.MAX_SAFE_INTEGER) {
      this.tellAccess(access, address);
      return false;
    }
    for (let at = address; at < address + bytes; ) {
      const having = owners.flatMap((owner) => this.table.having(owner, at));
      const ends = having.filter(may).map((entry) => entry.address + entry.size);
      if (ends.length === 0) {
        this.tellAccess(access, at, having[0]);
        return false;
      }
      at = Math.max(...ends);
    }
    return true;
  }

  private tellAccess(
    { device, bytes, kind, driver, address }: DeviceAccess,
    at: number,
    entry?: DmaMappingEntry,
  ): void {
    const what = `device ${kind} ${bytes} bytes at ${hex(address)}`;
    const text = `${what}, ${this.objection(device, address, at, bytes, entry)}`;
    const key = `${device} ${text}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    const by = entry?.by ?? this.table.lastEnded(device, at)?.by;
    this.tell(device, text + told(driver), address, { ...(by && { trace: [by] }), byDevice: true });
  }

  private objection(
    device: Ptr,
    address: number | bigint,
    at: number,
    bytes: number,
    entry?: DmaMappingEntry,
  ): string {
    if (entry) return `mapped with ${entry.direction} by ${this.symbolize(entry.by)}`;
    if (BigInt(address) + BigInt(bytes) >= DMA_MAPPING_ERROR)
      return 'an address that stands for a mapping that failed (DMA_MAPPING_ERROR): device driver failed to check map error';
    const ended = this.table.lastEnded(device, at);
    if (ended)
      return `no longer mapped for it: mapped by ${this.symbolize(ended.entry.by)}, unmapped by ${this.symbolize(ended.by)}`;
    return at > Number(address)
      ? `of which those from ${hex(at)} on are not mapped for it`
      : 'not mapped for it';
  }

  private isBelow(device: Ptr, above: Ptr): boolean {
    const type = this.k.struct('device');
    const known = new Set<Ptr>();
    for (
      let at = device;
      at !== 0 && !known.has(at) && this.k.space.canRead(at, type.size);
      at = type.get(at, 'parent')
    ) {
      if (at === above) return true;
      known.add(at);
    }
    return false;
  }

  private symbolize({ caller, serial }: Origin): string {
    return caller === 0 ? 'the kernel' : this.k.get(ModuleHistory).symbolize(caller, serial);
  }

  private nameOf(device: Ptr): string {
    const { k } = this;
    return k.space.canRead(device, k.struct('device').size)
      ? deviceName(k, device)
      : hex(k.space.toAddress(device));
  }

  /**
   * Reports a misuse. `culprit`: what did it, where that is not what runs now. `trace`: what else had a part in it. `byDevice`: no code of the
   * machine does it.
   */
  tell(
    device: Ptr,
    text: string,
    address: number | bigint,
    {
      culprit,
      trace = [],
      byDevice = false,
    }: { readonly culprit?: Origin; readonly trace?: readonly Origin[]; readonly byDevice?: boolean } = {},
  ): void {
    const { k } = this;
    const task = k.executor.current;
    const known = device !== 0 && k.space.canRead(device, k.struct('device').size);
    const message = `DMA-API: ${known ? `${driverName(k, device)} ${deviceName(k, device)}: ` : ''}${text}`;
    if (task && !byDevice && k.configured('CONFIG_DMA_API_DEBUG')) {
      warn(k, message, 'kernel/dma/debug.c', 'err_printk', 'dma-misuse');
      return;
    }
    const running = task ? callTrace(k, task) : [];
    const own = running.some((entry) => entry.endsWith(']'));
    const others = [...(culprit ? [culprit] : []), ...(own && !culprit ? [] : trace)].filter(
      ({ caller }) => caller !== 0,
    );
    const [late] = others;
    const rip = late?.caller ?? task?.caller ?? 0;
    const module = late && k.get(ModuleHistory).moduleName(late.caller, late.serial);
    const entries = [...others.map((origin) => this.symbolize(origin)), ...running];
    k.traps.record(task, rip, 'dma-misuse', message, BigInt(address), entries, module);
  }
}

/** How what a driver says differs from what it had mapped, each as the kernel words it. */
function mismatches(entry: DmaMappingEntry, reference: DmaReference): string[] {
  const { address, kind, size, direction, entries } = reference;
  const where = `[device address=${hex(address)}]`;
  const found: string[] = [];
  if (size !== entry.size)
    found.push(
      `device driver frees DMA memory with different size ${where} [map size=${entry.size} bytes] [unmap size=${size} bytes]`,
    );
  if (kind !== entry.kind)
    found.push(
      `device driver frees DMA memory with wrong function ${place(reference)} [mapped as ${entry.kind}] [unmapped as ${kind}]`,
    );
  else if (entries !== undefined && entries !== entry.entries)
    found.push(
      `device driver frees DMA sg list with different entry count [map count=${entry.entries}] [unmap count=${entries}]`,
    );
  if (direction !== entry.direction)
    found.push(
      `device driver frees DMA memory with different direction ${place(reference)} [mapped with ${entry.direction}] [unmapped with ${direction}]`,
    );
  return found;
}
