/**
 * The virtual CPU's features, as the CPUID leaf and register that enumerate them (AMD APM vol. 3, appendix E;
 * Intel SDM vol. 2, CPUID). The set is that of QEMU's TCG CPU "max", the machine modbox is compared with.
 * A feature that is listed here is announced to modules; an instruction of it that the translator lacks is an
 * oops that names it.
 */
export interface CpuidBits {
  readonly leaf: number;
  readonly subleaf: number;
  readonly register: 0 | 1 | 2 | 3;
  readonly bits: readonly number[];
}

const EAX = 0;
const EBX = 1;
const ECX = 2;
const EDX = 3;

export const FEATURES: readonly CpuidBits[] = [
  // fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush acpi mmx fxsr sse sse2 ss
  {
    leaf: 1,
    subleaf: 0,
    register: EDX,

    bits: [0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 22, 23, 24, 25, 26, 27],
  },
  // pni pclmulqdq monitor ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt aes xsave osxsave avx f16c rdrand hypervisor
  {
    leaf: 1,
    subleaf: 0,
    register: ECX,

    bits: [0, 1, 3, 9, 12, 13, 19, 20, 22, 23, 25, 26, 27, 28, 29, 30, 31],
  },
  // syscall nx mmxext pdpe1gb rdtscp lm 3dnowext 3dnow
  { leaf: 0x8000_0001, subleaf: 0, register: EDX, bits: [11, 20, 22, 26, 27, 29, 30, 31] },
  // lahf_lm svm cr8_legacy abm sse4a 3dnowprefetch
  { leaf: 0x8000_0001, subleaf: 0, register: ECX, bits: [0, 2, 4, 5, 6, 8] },
  // fsgsbase bmi1 avx2 smep bmi2 erms adx smap clflushopt clwb
  { leaf: 7, subleaf: 0, register: EBX, bits: [0, 3, 5, 7, 8, 9, 19, 20, 23, 24] },
  // umip pku ospke vaes
  { leaf: 7, subleaf: 0, register: ECX, bits: [2, 3, 4, 9] },
  // xsaveopt xgetbv1
  { leaf: 0xd, subleaf: 1, register: EAX, bits: [0, 2] },
  // arat
  { leaf: 6, subleaf: 0, register: EAX, bits: [2] },
  // npt vgif
  { leaf: 0x8000_000a, subleaf: 0, register: EDX, bits: [0, 16] },
];

const VENDOR = 'AuthenticAMD';
export const BRAND = 'QEMU TCG CPU version 2.5+';
/** Family 15, model 107, stepping 1 as CPUID leaf 1 EAX encodes them. */
const SIGNATURE = 0x0006_0fb1;
const HIGHEST_BASIC = 0xd;
const HIGHEST_EXTENDED = 0x8000_001f;

const word = (text: string, at: number): number =>
  [0, 1, 2, 3].reduce((value, i) => value | ((text.charCodeAt(at + i) || 0) << (8 * i)), 0);

/** The CPUID instruction. */
export function cpuid(leaf: number, subleaf: number): readonly [number, number, number, number] {
  const result: [number, number, number, number] = [0, 0, 0, 0];
  const wanted = leaf >>> 0;
  if (wanted === 0) return [HIGHEST_BASIC, word(VENDOR, 0), word(VENDOR, 8), word(VENDOR, 4)];
  if (wanted === 0x8000_0000) return [HIGHEST_EXTENDED, word(VENDOR, 0), word(VENDOR, 8), word(VENDOR, 4)];
  if (wanted >= 0x8000_0002 && wanted <= 0x8000_0004) {
    const at = (wanted - 0x8000_0002) * 16;
    return [word(BRAND, at), word(BRAND, at + 4), word(BRAND, at + 8), word(BRAND, at + 12)];
  }
  if (wanted === 1) {
    result[EAX] = SIGNATURE;
    // CLFLUSH line of 8 quadwords, one logical processor.
    result[EBX] = 0x0001_0800;
  }
  if (wanted === 0xd && subleaf === 0) return [7, 832, 2696, 0];
  for (const feature of FEATURES) {
    if (feature.leaf !== wanted || feature.subleaf !== subleaf) continue;
    for (const bit of feature.bits) result[feature.register] |= 1 << bit;
  }
  return result;
}
