import { type KernelImage, sectionAt } from '../../target/image/kernel-image.js';
import { BOOT_CODE, placeAt } from '../../target/image/references.js';
import type { LinuxTarget } from '../../target/index.js';

/** What is at a place of an image. */
export const PLACE = {
  /** No part of the image that can be run or read: absolute symbols, sections that were left out. */
  other: 0,
  text: 1,
  /** Code that only runs while the kernel boots. */
  initText: 2,
  /** Exit functions of what is built in: they only run where an init function takes back what it did. */
  exitText: 7,
  /** Data that nobody changes once it is there. */
  constant: 3,
  variable: 4,
  /** A variable that init code sets and nobody changes afterwards (__ro_after_init). */
  setByInit: 5,
  perCpu: 6,
} as const;

type PlaceKind = (typeof PLACE)[keyof typeof PLACE];

/** Sequences that are copied to where alternatives are, or that stand there until alternatives are chosen: nothing runs here. */
const ALTERNATIVES = /^\.altinstr_/;

/** The function that a part of it was made of: `flush_work` of `flush_work.part.0`. */
export const wholeOf = (name: string): string => name.split('.', 1)[0];

/** The lower half of an address: how an image counts. */
export const lowOf = (address: bigint): number => Number(address & 0xffff_ffffn);

/** The kind of each place of an image. */
export function placeKinds(image: KernelImage, { symbols }: LinuxTarget): Uint8Array {
  const { places } = image.references;
  const kinds = new Uint8Array(places.length);
  for (const section of image.sections) {
    const first = placeAt(places, section.address - 1) + 1;
    const end = placeAt(places, section.address + section.size - 1) + 1;
    kinds.fill(kindOf(section), first, end);
  }
  const within = (kind: PlaceKind, from: string, to: string): void => {
    const start = symbols.lookup(from);
    const end = symbols.lookup(to);
    if (!start || !end) return;
    kinds.fill(
      kind,
      placeAt(places, lowOf(start.address) - 1) + 1,
      placeAt(places, lowOf(end.address) - 1) + 1,
    );
  };
  // The section is writable because of what stands between these.
  within(PLACE.constant, '__start_rodata', '__end_rodata');
  within(PLACE.setByInit, '__start_ro_after_init', '__end_ro_after_init');
  const percpu = sectionAt(image.sections, 0);
  if (percpu) kinds.fill(PLACE.perCpu, 0, placeAt(places, percpu.size - 1) + 1);
  return kinds;
}

function kindOf({ name, execute, write }: KernelImage['sections'][number]): PlaceKind {
  if (ALTERNATIVES.test(name)) return PLACE.other;
  if (execute && BOOT_CODE.test(name)) return name === '.exit.text' ? PLACE.exitText : PLACE.initText;
  if (execute) return PLACE.text;
  // A table that is only written to so as to remember which warnings were given: no code refers to its entries.
  if (name === '__bug_table') return PLACE.constant;
  return write ? PLACE.variable : PLACE.constant;
}
