// sys/sysctl.h: `kind` of a node is one CTLTYPE and CTLFLAGs.

export const CTLTYPE = 0xf;
export const CTLTYPE_NODE = 1;
export const CTLTYPE_STRING = 3;
export const CTLTYPE_OPAQUE = 5;

export const CTLFLAG_WR = 0x4000_0000;
export const CTLFLAG_PRISON = 0x0400_0000;
export const CTLFLAG_TUN = 0x0008_0000;
export const CTLFLAG_VNET = 0x0002_0000;
export const CTLFLAG_STATS = 0x0000_2000;

/** A type of number, by its CTLTYPE; sizes in bytes, of amd64. */
export interface NumberType {
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  /** What -t and messages call it. */
  readonly name: string;
}

const NUMBERS: Readonly<Record<number, NumberType>> = {
  2: { size: 4, signed: true, name: 'integer' },
  4: { size: 8, signed: true, name: 'int64_t' },
  6: { size: 4, signed: false, name: 'unsigned integer' },
  7: { size: 8, signed: true, name: 'long integer' },
  8: { size: 8, signed: false, name: 'unsigned long' },
  9: { size: 8, signed: false, name: 'uint64_t' },
  10: { size: 1, signed: false, name: 'uint8_t' },
  11: { size: 2, signed: false, name: 'uint16_t' },
  12: { size: 1, signed: true, name: 'int8_t' },
  13: { size: 2, signed: true, name: 'int16_t' },
  14: { size: 4, signed: true, name: 'int32_t' },
  15: { size: 4, signed: false, name: 'uint32_t' },
};

const OTHER_NAMES: Readonly<Record<number, string>> = {
  [CTLTYPE_NODE]: 'node',
  [CTLTYPE_STRING]: 'string',
  [CTLTYPE_OPAQUE]: 'opaque',
};

/** Undefined where a kind is no number. */
export function numberType(kind: number): NumberType | undefined {
  return NUMBERS[kind & CTLTYPE];
}

export function typeName(kind: number): string {
  return numberType(kind)?.name ?? OTHER_NAMES[kind & CTLTYPE] ?? 'unknown';
}
