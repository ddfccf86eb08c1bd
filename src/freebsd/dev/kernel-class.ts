import type { Ptr } from '../../cpu/layout.js';
import type { AnyFunction } from '../../kernel/abi/gate.js';
import { signatureFromTypes } from '../../kernel/abi/signature.js';
import type { FreebsdKernel } from '../kernel.js';
import { KobjInterfaces } from './kobj-interfaces.js';

/** What a method of one of the kernel's own classes is: an exported function by name, or a function of its own. */
export type KernelMethod = string | AnyFunction;

/** A class of the kernel's own: its struct kobj_class is in guest memory, as modules derive theirs from it. */
export interface KernelClass {
  readonly name: string;
  /** By interface and method: `device_probe`. */
  readonly methods: Readonly<Record<string, KernelMethod>>;
  /** Signatures of methods whose types no header declares. */
  readonly signatures?: Readonly<Record<string, string>>;
  /** Bytes of an object. */
  readonly size?: number;
}

/** Fills a struct kobj_class. */
export function fillClass(k: FreebsdKernel, at: Ptr, { name, methods, signatures, size }: KernelClass): void {
  const method = k.struct('kobj_method');
  const entries = Object.entries(methods);
  const table = k.permanent(method.size * (entries.length + 1));
  for (const [i, [of, what]] of entries.entries()) {
    const entry = table + i * method.size;
    method.set(entry, 'desc', k.get(KobjInterfaces).descOf(of));
    method.set(entry, 'func', addressOf(k, `${name}_${of}`, of, what, signatures?.[of]));
  }
  const type = k.struct('kobj_class');
  type.set(at, 'name', k.constantString(name));
  type.set(at, 'methods', table);
  type.set(at, 'size', size ?? 0);
}

function addressOf(
  k: FreebsdKernel,
  name: string,
  method: string,
  what: KernelMethod,
  text: string | undefined,
): Ptr {
  if (typeof what === 'string') return k.fn(what);
  const signature = text ?? signatureFromTypes(k.types, k.types.type(`${method}_t`), k.convention);
  if (signature === undefined) throw new TypeError(`${method} has no type: give it a signature`);
  return k.exports.hostFunction(name, signature, what);
}
