import type { Ptr } from '../../cpu/layout.js';
import { prototypeText } from '../../kernel/abi/signature.js';
import { GFP_NOFAIL } from '../abi/gfp.js';
import { symbolAt } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { ERROR_LIST, type Failing } from './error-list.js';

const UNPROFILED = /_noprof$/;

/** Which argument of a function is gfp_t, by its prototype, for each target's types; -1 for none. */
const places = new WeakMap<object, Map<string, number>>();

/**
 * How the call that is being served could fail: undefined where it cannot, where the kernel itself makes it (whose errors are not the module's to handle), and where
 * its flags have __GFP_NOFAIL.
 */
export function injectable(k: LinuxKernel, name: string, caller: Ptr): Failing | undefined {
  const failing = ERROR_LIST.get(name.replace(UNPROFILED, ''));
  if (!failing || symbolAt(k, caller)?.module === undefined) return undefined;
  return isPromised(k, name) ? undefined : failing;
}

function isPromised(k: LinuxKernel, name: string): boolean {
  const place = placeOfFlags(k, name);
  if (place < 0) return false;
  const flags = k.convention.readers(k.exports.signatureOf(name).params)[place]();
  return (Number(flags) & GFP_NOFAIL) !== 0;
}

function placeOfFlags(k: LinuxKernel, name: string): number {
  const { types } = k.target;
  const known = places.get(types) ?? new Map<string, number>();
  places.set(types, known);
  const found = known.get(name);
  if (found !== undefined) return found;
  const text = prototypeText(types, name) ?? '';
  const place = text
    .slice(text.indexOf('(') + 1)
    .split(',')
    .findIndex((parameter) => /\bgfp_t\b/.test(parameter));
  known.set(name, place);
  return place;
}
