import { badPointer, boundedString, type FormatContext } from './context.js';
import type { Spec } from './spec.js';

/** Digits of a pointer; error strings are cut to it unless a precision says otherwise. */
export const POINTER_DIGITS = 16;

/** Text cut to the precision and padded to the width. */
export function formatText(text: string, spec: Spec): string {
  return pad(spec.precision >= 0 ? text.slice(0, spec.precision) : text, spec);
}

/** Text padded to the width. */
export function pad(text: string, spec: Spec): string {
  return spec.left ? text.padEnd(spec.width) : text.padStart(spec.width);
}

/** The likes of "(null)" and "(einval)", that stand in for what cannot be printed. */
export function formatError(text: string, spec: Spec): string {
  return formatText(text, spec.precision < 0 ? { ...spec, precision: POINTER_DIGITS } : spec);
}

/** The C string at an address, for %s. */
export function formatString(context: FormatContext, address: bigint, spec: Spec): string {
  const bad = badPointer(address);
  if (bad !== undefined) return formatError(bad, spec);
  const { space } = context;
  return pad(boundedString(space, space.fromAddress(address), spec.precision), spec);
}
