/** How well the offset of a pointer is known. */
export const EXACT = 0;
/** Something unknown was added to it: an index, of the array that is at the offset or of an array of the whole. */
export const INDEXED = 1;
/** It is anywhere in what it points to. */
export const ANYWHERE = 2;
export type Precision = typeof EXACT | typeof INDEXED | typeof ANYWHERE;

/** `base` of addresses in the function's own stack frame; offsets count from where its return address is. */
export const OWN_FRAME = -1;

/**
 * A pointer into an object. `base`: the id of the object's type, OWN_FRAME, or below that an object of which nobody has told the type
 * (yet): see Objects.
 */
export interface Pointer {
  readonly base: number;
  readonly offset: number;
  readonly precision: Precision;
}

/** What a register or stack slot may hold: a number, one of some pointers (or NULL, or an error), or nothing that is known. */
export type Value = number | readonly Pointer[] | undefined;

/** Offsets in one object that are told apart, and objects. */
const MOST_OFFSETS = 4;
const MOST_POINTERS = 8;

export const pointerTo = (base: number, offset = 0): Value => [{ base, offset, precision: EXACT }];

export function isPointers(value: Value): value is readonly Pointer[] {
  return typeof value === 'object';
}

/**
 * What holds one or the other. Pointers win over what is unknown: what may be accessed is asked for, not what must be. `lose` is told
 * of pointers that there are too many of.
 */
export function join(a: Value, b: Value, lose: (pointer: Pointer) => void): Value {
  if (a === b) return a;
  if (!isPointers(a)) return isPointers(b) ? b : undefined;
  if (!isPointers(b)) return a;
  let joined: readonly Pointer[] = a;
  for (const pointer of b) joined = withPointer(joined, pointer);
  for (const pointer of joined.slice(MOST_POINTERS)) lose(pointer);
  return joined.length > MOST_POINTERS ? joined.slice(0, MOST_POINTERS) : joined;
}

function withPointer(pointers: readonly Pointer[], pointer: Pointer): readonly Pointer[] {
  const { base, offset, precision } = pointer;
  const same = pointers.filter((other) => other.base === base);
  if (same.some((other) => other.precision === ANYWHERE)) return pointers;
  if (same.some((other) => other.precision === precision && other.offset === offset)) return pointers;
  if (precision !== ANYWHERE && same.length < MOST_OFFSETS) return [...pointers, pointer];
  const others = pointers.filter((other) => other.base !== base);
  if (precision === ANYWHERE || same.some((other) => other.precision !== EXACT))
    return [...others, { base, offset: 0, precision: ANYWHERE }];
  // A loop over an array: its first element is the lowest offset that was seen.
  const first = Math.min(offset, ...same.map((other) => other.offset));
  return [...others, { base, offset: first, precision: INDEXED }];
}

/** A value with a number added. */
export function plus(value: Value, distance: number): Value {
  if (typeof value === 'number') return value + distance;
  return value?.map((pointer) => ({ ...pointer, offset: pointer.offset + distance }));
}

/** A value with something unknown added. */
export function indexed(value: Value): Value {
  if (!isPointers(value)) return undefined;
  const moved = value
    .filter(({ base }) => base !== OWN_FRAME)
    .map((pointer): Pointer => (pointer.precision === EXACT ? { ...pointer, precision: INDEXED } : pointer));
  return moved.length > 0 ? moved : undefined;
}

export function sameValue(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (!isPointers(a) || !isPointers(b) || a.length !== b.length) return false;
  return a.every((one, i) => {
    const other = b[i];
    return one.base === other.base && one.offset === other.offset && one.precision === other.precision;
  });
}
