import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENXIO } from '../errno.js';
import { Malloc } from '../kern/malloc.js';
import { defineType } from '../kern/malloc-type.js';
import { Panic } from '../kern/panic.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { KobjInterfaces } from './kobj-interfaces.js';

type Argument = number | bigint | boolean;

/** KOBJ_CACHE_SIZE (sys/kobj.h): places for methods in a compiled class, by the low bits of the method's id. */
const CACHE_SIZE = 256;

/**
 * kobj(9) (sys/kern/subr_kobj.c): objects begin with a pointer to their class's compiled methods, a cache that modules look into by
 * themselves; what is not in it is looked up here.
 */
export class Kobj implements Subsystem {
  private nextId = 1;
  private nullMethod: Ptr = 0;
  private type: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    kobj_class_compile: (cls: Ptr) => this.compile(cls),
    kobj_class_compile_static: (cls: Ptr, ops: Ptr) => this.compileInto(cls, ops),
    kobj_class_free: (cls: Ptr) => this.freeClass(cls),
    kobj_lookup_method: (cls: Ptr, cache: Ptr, desc: Ptr) => this.lookup(cls, cache, desc),
    kobj_error_method: () => ENXIO,
    kobj_create: (cls: Ptr, type: Ptr, flags: number) => this.create(cls, type, flags),
    kobj_init: (object: Ptr, cls: Ptr) => this.init(object, cls),
    kobj_init_static: (object: Ptr, cls: Ptr) => this.init(object, cls),
    kobj_delete: (object: Ptr, type: Ptr) => this.delete(object, type),
  };

  readonly signatures = { kobj_error_method: 'i:' };

  boot(): void {
    this.type = defineType(this.k, 'M_KOBJ', 'kobj');
  }

  /** Gives a class its table of methods, empty at first; the methods that have no number yet get one. */
  compile(cls: Ptr): void {
    const { k } = this;
    if (k.struct('kobj_class').get(cls, 'ops') !== 0) return;
    const ops = k.get(Malloc).malloc(k.sizeOf('kobj_ops'), this.type, k.macro('M_NOWAIT'));
    if (ops === 0) k.panic('kobj_compile_methods: out of memory');
    this.compileInto(cls, ops);
  }

  private compileInto(cls: Ptr, ops: Ptr): void {
    const { k } = this;
    const type = k.struct('kobj_class');
    if (type.get(cls, 'ops') !== 0) return;
    for (const { desc } of this.methodsOf(cls)) this.numbered(desc);
    const table = k.struct('kobj_ops');
    for (let i = 0; i < CACHE_SIZE; i++) k.space.storePtr(ops + 8 * i, this.emptyMethod);
    table.set(ops, 'cls', cls);
    type.set(cls, 'ops', ops);
  }

  private numbered(desc: Ptr): void {
    const type = this.k.struct('kobjop_desc');
    if (type.get(desc, 'id') === 0) type.set(desc, 'id', this.nextId++);
  }

  /** The method that an empty place of a cache points to. */
  private get emptyMethod(): Ptr {
    if (this.nullMethod === 0) this.nullMethod = this.k.permanent(this.k.sizeOf('kobj_method'));
    return this.nullMethod;
  }

  private *methodsOf(cls: Ptr): Generator<{ readonly at: Ptr; readonly desc: Ptr }> {
    const { k } = this;
    const type = k.struct('kobj_method');
    for (let at = k.struct('kobj_class').get(cls, 'methods'); at !== 0; at += type.size) {
      const desc = type.get(at, 'desc');
      if (desc === 0) return;
      yield { at, desc };
    }
  }

  /** The entry of a class or of what it is based on; undefined where none of them has the method. */
  private entry(cls: Ptr, desc: Ptr): Ptr | undefined {
    for (const method of this.methodsOf(cls)) if (method.desc === desc) return method.at;
    for (const base of this.baseClasses(cls)) {
      const found = this.entry(base, desc);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private *baseClasses(cls: Ptr): Generator<Ptr> {
    const { space } = this.k;
    for (let at = this.k.struct('kobj_class').get(cls, 'baseclasses'); at !== 0; at += 8) {
      const base = space.loadPtr(at);
      if (base === 0) return;
      yield base;
    }
  }

  /** The class's method, or the interface's default; kept where `cache` points. */
  private lookup(cls: Ptr, cache: Ptr, desc: Ptr): Ptr {
    const method = this.entry(cls, desc) ?? this.k.struct('kobjop_desc').addr(desc, 'deflt');
    if (cache !== 0) this.k.space.storePtr(cache, method);
    return method;
  }

  private create(cls: Ptr, type: Ptr, flags: number): Ptr {
    const { k } = this;
    const size = k.struct('kobj_class').get(cls, 'size');
    const object = k.get(Malloc).malloc(size, type, flags | k.macro('M_ZERO'));
    if (object !== 0) this.init(object, cls);
    return object;
  }

  init(object: Ptr, cls: Ptr): void {
    const { k } = this;
    const type = k.struct('kobj_class');
    this.compile(cls);
    k.struct('kobj').set(object, 'ops', type.get(cls, 'ops'));
    type.set(cls, 'refs', type.get(cls, 'refs') + 1);
  }

  /** Without a type the object's memory stays. */
  delete(object: Ptr, type: Ptr): void {
    const { k } = this;
    const cls = this.classOf(object);
    k.struct('kobj').set(object, 'ops', 0);
    if (cls !== 0) this.release(cls);
    if (type !== 0) k.get(Malloc).free(object, type);
  }

  retain(cls: Ptr): void {
    const type = this.k.struct('kobj_class');
    type.set(cls, 'refs', type.get(cls, 'refs') + 1);
  }

  release(cls: Ptr): void {
    const type = this.k.struct('kobj_class');
    const refs = type.get(cls, 'refs') - 1;
    type.set(cls, 'refs', refs);
    if (refs === 0) this.freeClass(cls);
  }

  private freeClass(cls: Ptr): void {
    const { k } = this;
    const type = k.struct('kobj_class');
    const ops = type.get(cls, 'ops');
    if (ops === 0 || type.get(cls, 'refs') !== 0) return;
    type.set(cls, 'ops', 0);
    k.get(Malloc).free(ops, this.type);
  }

  /** An object's class, 0 for what has none. */
  classOf(object: Ptr): Ptr {
    const ops = this.k.struct('kobj').get(object, 'ops');
    return ops === 0 ? 0 : this.k.struct('kobj_ops').get(ops, 'cls');
  }

  nameOf(cls: Ptr): string {
    return this.k.struct('kobj_class').string(cls, 'name');
  }

  /** Calls a method of an object, `device_probe`: its first argument is the object. */
  *call(object: Ptr, method: string, ...args: Argument[]): Sleepable<number> {
    const cls = this.classOf(object);
    if (cls === 0) {
      const address = `0x${this.k.space.toAddress(object).toString(16)}`;
      throw new Panic(`${method}: the object at ${address} has no class`, 'use-after-free', object);
    }
    return yield* this.callOf(cls, method, object, ...args);
  }

  /** Calls a method of a class itself (STATICMETHOD), or of an object by its class. */
  *callOf(cls: Ptr, method: string, ...args: Argument[]): Sleepable<number> {
    const { k } = this;
    const desc = k.get(KobjInterfaces).descOf(method);
    const ops = k.struct('kobj_class').get(cls, 'ops');
    this.numbered(desc);
    const id = k.struct('kobjop_desc').get(desc, 'id');
    const found = this.lookup(cls, ops === 0 ? 0 : ops + 8 * (id % CACHE_SIZE), desc);
    return yield* k.callAs(`${method}_t`, k.struct('kobj_method').get(found, 'func'), ...args);
  }

  /** Whether a class or a base of it has a method of its own. */
  has(cls: Ptr, method: string): boolean {
    return this.entry(cls, this.k.get(KobjInterfaces).descOf(method)) !== undefined;
  }
}
