/**
 * The object identifiers that the kernel knows by number (include/linux/oid_registry.h of Linux 6.1), in its order:
 * a prefix and last arcs. It logs each that it meets in a signature and does not know.
 */
const REGISTRY: readonly (readonly [string, ...(number | string)[]])[] = [
  ['1.2.840', '10030.4.3', '10040.4.1', '10045.2.1', '10045.3.1.1', '10045.3.1.7', '10045.4.1'],
  ['1.2.840.10045.4.3', 1, 2, 3, 4],
  ['1.2.840.113549.1.1', 1, 2, 3, 4, 5, 11, 12, 13, 14],
  ['1.2.840.113549.1.7', 1, 2],
  ['1.2.840.113549.1.9', 1, 3, 4, 5, 15, '16.2.11'],
  ['1.2.840.113549.2', 2, 4, 5],
  ['1.2.840', '48018.1.2.2', '113554.1.2.2', '113554.1.2.2.3'],
  ['1.3.6.1.4.1.311', '2.1.4', '2.1.11', '2.1.12', '2.1.15', '2.1.21', '16.4', '2.2.10'],
  ['1.3', '6.1.5.5.2', '6.1.5.2.5', '5.1.5.2.7', '6.1.5.5.14', '6.1.5.5.7.1.1', '14.3.2.26', '132.0.34'],
  ['2.16.840.1.101.3.4.2', 1, 2, 3, 4],
  ['2.5.4', 3, 4, 6, 7, 8, 10, 11, 12, 13, 41, 42, 43, 44],
  ['2.5.29', 14, 15, 17, 18, 19, 31, 32, 35, 37],
  ['1.2.752.43.14', 2, 3],
  ['1.2.643.2.2.35', 1, 2, 3],
  ['1.2.643.7.1', '1.1.1', '1.1.2', '1.2.2', '1.2.3', '1.3.2', '1.3.3'],
  ['1.2.643.7.1.2.1', '1.1', '1.2', '1.3', '1.4', '2.1', '2.2', '2.3'],
  ['1.2.156.10197.1', 301, 401, 501, 504],
  ['2.23.133.10.1', 3, 4, 5],
];

const NUMBERS: ReadonlyMap<string, number> = new Map(
  REGISTRY.flatMap(([prefix, ...arcs]) => arcs.map((arc) => `${prefix}.${arc}`)).map((oid, i) => [oid, i]),
);

export function isKnownOid(oid: string): boolean {
  return NUMBERS.has(oid);
}

/** The kernel's number for it: for an unknown one that of the end, OID__NR. */
export function oidNumber(oid: string): number {
  return NUMBERS.get(oid) ?? NUMBERS.size;
}
