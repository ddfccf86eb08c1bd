import { readSync, writeSync } from 'node:fs';
import type { MappedMemory } from '../../pci/pci-board.js';

/** Parts that lie closer together are read at once. */
const GAP = 0x4000;
const MOST_AT_ONCE = 0x10_0000;
/** Times that memory is looked at again while it changes: a device that writes all the time is not waited for. */
const MOST_PASSES = 20;

/** Neighbouring parts of memory. */
interface Span {
  readonly start: number;
  end: number;
  readonly parts: MappedMemory[];
}

/**
 * Memory that drivers have mapped for a device, kept the same in the machine and in a file that the device works on. What either side has changed
 * since the last time goes to the other, byte by byte; memory that is not mapped is never copied.
 */
export class SharedMemory {
  /** What both sides had the last time, by address and size. */
  private known = new Map<string, Uint8Array>();
  private readonly scratch = Buffer.alloc(MOST_AT_ONCE);

  constructor(private readonly file: number) {}

  /**
   * Brings both sides together. It is looked at until nothing more comes from the device, so that the machine does not see a later write of the
   * device's without an earlier one.
   */
  sync(memory: Uint8Array, mapped: Iterable<MappedMemory>): void {
    const spans = spansOf(mapped);
    const known = new Map<string, Uint8Array>();
    for (const { parts } of spans)
      for (const part of parts) {
        const before = this.known.get(keyOf(part));
        if (before) known.set(keyOf(part), before);
        else known.set(keyOf(part), this.give(memory, part));
      }
    this.known = known;
    for (let pass = 0; pass < MOST_PASSES && this.pass(memory, spans); pass++);
  }

  /** The device gets what is newly mapped. */
  private give(memory: Uint8Array, { address, size }: MappedMemory): Uint8Array {
    const content = memory.slice(address, address + size);
    writeSync(this.file, content, 0, size, address);
    return content;
  }

  /** Whether anything came from the device. */
  private pass(memory: Uint8Array, spans: readonly Span[]): boolean {
    let came = false;
    for (const { start, end, parts } of spans) {
      const bytes = end - start <= MOST_AT_ONCE ? this.scratch : Buffer.alloc(end - start);
      readSync(this.file, bytes, 0, end - start, start);
      for (const part of parts) {
        const from = part.address - start;
        if (this.merge(memory, part, bytes.subarray(from, from + part.size))) came = true;
      }
    }
    return came;
  }

  private merge(memory: Uint8Array, part: MappedMemory, theirs: Buffer): boolean {
    const known = this.known.get(keyOf(part))!;
    const ours = memory.subarray(part.address, part.address + part.size);
    const came = theirs.compare(known) !== 0;
    if (!came && theirs.compare(ours) === 0) return false;
    for (let at = 0; at < part.size; ) {
      if (theirs[at] !== known[at]) {
        ours[at] = theirs[at];
        known[at] = theirs[at];
        at++;
        continue;
      }
      let end = at;
      while (end < part.size && ours[end] !== known[end] && theirs[end] === known[end]) end++;
      if (end > at) {
        writeSync(this.file, ours, at, end - at, part.address + at);
        known.set(ours.subarray(at, end), at);
      }
      at = Math.max(end, at + 1);
    }
    return came;
  }
}

const keyOf = ({ address, size }: MappedMemory): string => `${address}+${size}`;

function spansOf(mapped: Iterable<MappedMemory>): readonly Span[] {
  const spans: Span[] = [];
  const parts = [...mapped].sort((a, b) => a.address - b.address);
  for (const part of parts) {
    const last = spans.at(-1);
    const end = part.address + part.size;
    if (last && part.address <= last.end + GAP && end - last.start <= MOST_AT_ONCE) {
      last.end = Math.max(last.end, end);
      last.parts.push(part);
    } else spans.push({ start: part.address, end, parts: [part] });
  }
  return spans;
}
