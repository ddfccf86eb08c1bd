import { type CpuidBits, FEATURES } from '../../kernel/pc/features.js';

interface CapabilityWord {
  readonly word: number;
  readonly bits: readonly number[];
}

/** Words of x86_capability that mirror a register of CPUID: leaf, subleaf, register (arch/x86/include/asm/cpufeatures.h). */
const MIRRORED: readonly (readonly [leaf: number, subleaf: number, register: number, word: number])[] = [
  [1, 0, 3, 0],
  [0x8000_0001, 0, 3, 1],
  [1, 0, 2, 4],
  [0x8000_0001, 0, 2, 6],
  [7, 0, 1, 9],
  [0xd, 1, 0, 10],
  [6, 0, 0, 14],
  [0x8000_000a, 0, 3, 15],
  [7, 0, 2, 16],
];

/** Words of the kernel's own: always rep_good nopl extd_apicid cpuid (word 3), retpoline (7), vmmcall (8). */
const SYNTHETIC: readonly CapabilityWord[] = [
  { word: 3, bits: [16, 20, 21, 25, 26] },
  { word: 7, bits: [12] },
  { word: 8, bits: [15] },
];

function wordOf({ leaf, subleaf, register }: CpuidBits): number | undefined {
  return MIRRORED.find(([l, s, r]) => l === leaf && s === subleaf && r === register)?.[3];
}

/** What boot_cpu_data.x86_capability has of the virtual CPU. */
export const CAPABILITY_WORDS: readonly CapabilityWord[] = [
  ...FEATURES.flatMap((feature) => {
    const word = wordOf(feature);
    return word === undefined ? [] : [{ word, bits: feature.bits }];
  }),
  ...SYNTHETIC,
];
