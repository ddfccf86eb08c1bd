/**
 * What a slot of an XArray, radix tree or IDR can hold (Documentation/core-api/xarray.rst): pointers and
 * values of its user, and internal entries, whose low two bits are 10.
 */
/** Slots of a node (XA_CHUNK_SIZE); with CONFIG_BASE_SMALL there are 16. */
export const SLOTS = 64;
export const MAX_INDEX = (1n << 64n) - 1n;

/** xa_mk_internal(). */
const internal = (value: bigint): bigint => BigInt.asUintN(64, (value << 2n) | 2n);

/** Found in a node that was freed. */
export const RETRY = internal(256n);
/** A place that is taken but reads as NULL. */
export const ZERO = internal(257n);

/** Internal entries up to here are no pointers to nodes. */
const LAST_SPECIAL = 4096n;
const FIRST_ERROR = BigInt.asUintN(64, -16_384n);

export const isInternal = (entry: bigint): boolean => (entry & 3n) === 2n;

export const isNode = (entry: bigint): boolean =>
  isInternal(entry) && entry > LAST_SPECIAL && entry < FIRST_ERROR;

/** An entry that stands for the one `offset` slots up: entries of more than one index. */
export const isSibling = (entry: bigint): boolean =>
  isInternal(entry) && entry < internal(BigInt(SLOTS) - 1n);

export const siblingOf = (offset: number): bigint => internal(BigInt(offset));

export const siblingOffset = (entry: bigint): number => Number(entry >> 2n);

export const isValue = (entry: bigint): boolean => (entry & 1n) === 1n;

/** XA_ERROR(): a negative error number as an entry. */
export const errorEntry = (errno: number): bigint => internal(BigInt(-errno));

/** What a user sees of an entry. */
export const visible = (entry: bigint): bigint => (entry === ZERO ? 0n : entry);

/** Filter of xa_find() for every entry: XA_PRESENT (include/linux/xarray.h). */
export const PRESENT = 8;
