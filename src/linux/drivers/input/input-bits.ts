import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';

/** Kinds of input events (include/uapi/linux/input-event-codes.h). */
export const EV = {
  SYN: 0,
  KEY: 1,
  REL: 2,
  ABS: 3,
  MSC: 4,
  SW: 5,
  LED: 0x11,
  SND: 0x12,
  REP: 0x14,
  FF: 0x15,
  PWR: 0x16,
} as const;

const MAPS: Readonly<Record<number, string>> = {
  [EV.KEY]: 'keybit',
  [EV.REL]: 'relbit',
  [EV.ABS]: 'absbit',
  [EV.MSC]: 'mscbit',
  [EV.SW]: 'swbit',
  [EV.LED]: 'ledbit',
  [EV.SND]: 'sndbit',
  [EV.FF]: 'ffbit',
};

/** The bitmap of struct input_dev for the codes of a kind of event; undefined for kinds without one. */
export function bitsOf(kind: number): string | undefined {
  return MAPS[kind];
}

export function setBit(k: LinuxKernel, map: Ptr, bit: number): void {
  const at = map + (bit >> 3);
  k.space.store8(at, k.space.load8(at) | (1 << (bit & 7)));
}

export function hasBit(k: LinuxKernel, map: Ptr, bit: number): boolean {
  return (k.space.load8(map + (bit >> 3)) & (1 << (bit & 7))) !== 0;
}

/** bitmap_subset(): whether every bit of one map is in the other. */
export function isSubset(k: LinuxKernel, map: Ptr, of: Ptr, bytes: number): boolean {
  const a = k.space.readable(map, bytes);
  const b = k.space.readable(of, bytes);
  return a.every((byte, i) => (byte & ~b[i]) === 0);
}
