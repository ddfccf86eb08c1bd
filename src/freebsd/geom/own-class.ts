import type { Ptr } from '../../cpu/layout.js';
import type { AnyFunction } from '../../kernel/abi/gate.js';
import type { FreebsdKernel } from '../kernel.js';
import { GeomClasses } from './classes.js';

/** Whose GEOM's devices are: root's, and those of group operator may read them. */
export const GEOM_DEVICE = { unit: 0, uid: 0, gid: 5, mode: 0o640 } as const;

/** Functions of a class of the kernel's own, by the member of struct g_class. */
export type ClassMethods = Readonly<Record<string, { readonly name: string; readonly fn: AnyFunction }>>;

/** A class of the kernel's own: it is there from the start. */
export function ownClass(k: FreebsdKernel, name: string, methods: ClassMethods): Ptr {
  const type = k.struct('g_class');
  const at = k.permanent(type.size);
  type.set(at, 'name', k.constantString(name));
  type.set(at, 'version', k.macro('G_VERSION'));
  for (const [member, { name: symbol, fn }] of Object.entries(methods)) type.bind(at, member, symbol, fn);
  k.get(GeomClasses).addOwn(at);
  return at;
}
