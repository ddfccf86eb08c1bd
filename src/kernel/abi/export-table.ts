import type { Ptr } from '../../cpu/layout.js';
import { isSleepable, type Sleepable, type Value } from '../effects.js';
import type { Executor } from '../task/executor.js';
import { declaredOf } from './fidelity.js';
import type { AnyFunction, Gate } from './gate.js';
import { parseSignature, type Signature } from './signature.js';

/** Functions that guest code may call, by symbol name. Generators may sleep and call guest code. */
export type Exports = Readonly<Record<string, AnyFunction>>;

/** A part of a base kernel that has some; `signatures` names those that the types do not have, or that want other conversions. */
export interface ExportSource {
  readonly exports?: Exports;
  readonly signatures?: Readonly<Record<string, string>>;
}

/** What a system knows of the functions that its kernel offers. */
export interface ExportNames {
  /** Where guest code calls the function; undefined where it has no place of its own. */
  addressOf(name: string): Ptr | undefined;
  /** By its prototype; undefined where there is none. */
  signatureOf(name: string): Signature | undefined;
  /** Another name that what is defined may have. */
  readonly otherName?: (name: string) => string | undefined;
  /** What stops guest code that calls what nobody implements. */
  unimplemented(name: string): Error;
  /** Whether somebody else answers calls of what nobody implements at an address (EntryGuard): nothing is bound there then. */
  readonly leaves?: (address: Ptr) => boolean;
  /** Names in the system that something defined under `name` stands for too. */
  readonly variants?: (name: string) => readonly string[];
  /** Room for functions that have no place of their own. */
  readonly stubs: Ptr;
}

interface Definition {
  readonly fn: AnyFunction;
  readonly signature: Signature | undefined;
  /** What it does less than the kernel's: see partly(). */
  readonly limit?: string | undefined;
}

/** An export that does less than the kernel's, and was called. */
export interface UsedLimit {
  readonly symbol: string;
  /** What it does less, as a clause. */
  readonly limit: string;
}

/** Something that comes before a function. True: it has arranged that code goes on elsewhere, and the function is not run. */
export type Detour = () => Sleepable<boolean>;

/** Distance between functions that have no place of their own. */
const STUB_BYTES = 16;

/**
 * The functions of the base kernel that guest code can call, each at the address that its symbol has in the system.
 * A function is bound when something first refers to it. What nobody defined is bound to a function that stops the caller and
 * names it.
 */
export class ExportTable {
  private readonly definitions = new Map<string, Definition>();
  private readonly bound = new Map<string, Ptr>();
  private readonly names = new Map<Ptr, string>();
  private readonly reserved = new Set<string>();
  private readonly detours = new Map<Ptr, Detour>();
  private nextStub: Ptr;

  constructor(
    private readonly known: ExportNames,
    private readonly executor: Executor,
    private readonly gate: Gate,
  ) {
    this.nextStub = known.stubs;
  }

  /** Adds the exports of a subsystem, but those in `without`. Two subsystems defining one symbol is a bug of modbox. */
  define(subsystem: ExportSource, without?: Pick<ReadonlySet<string>, 'has'>): void {
    for (const [name, fn] of Object.entries(subsystem.exports ?? {})) {
      if (without?.has(name)) continue;
      if (this.definitions.has(name)) throw new Error(`two subsystems export ${name}`);
      this.exported.add(name);
      const { signature, limit } = declaredOf(fn);
      const text = subsystem.signatures?.[name];
      this.definitions.set(name, {
        fn,
        signature: text === undefined ? signature : parseSignature(text),
        limit,
      });
    }
  }

  /** Exports that do less than the kernel's and that guest code has called, in the order of their first calls. */
  get usedLimits(): readonly UsedLimit[] {
    return [...this.used].map(([symbol, limit]) => ({ symbol, limit }));
  }

  private readonly used = new Map<string, string>();

  /** Every function that subsystems export. */
  readonly exported = new Set<string>();

  /** Marks a symbol whose address the CPU handles itself (thunks): it is never bound. */
  reserve(name: string): void {
    this.reserved.add(name);
  }

  isReserved(name: string): boolean {
    return this.reserved.has(name);
  }

  implemented(name: string): boolean {
    return this.definitionOf(name) !== undefined || this.reserved.has(name);
  }

  /** What a function does less than the kernel's, if it says so. */
  limitOf(name: string): string | undefined {
    return this.definitionOf(name)?.limit;
  }

  /** Whether a function answers the same whatever it is asked, and so neither makes nor changes anything. */
  doesNothing(name: string): boolean {
    const definition = this.definitionOf(name);
    return definition !== undefined && declaredOf(definition.fn).nothing === true;
  }

  private definitionOf(name: string): Definition | undefined {
    const own = this.definitions.get(name);
    if (own !== undefined) return own;
    const other = this.known.otherName?.(name);
    return other === undefined ? undefined : this.definitions.get(other);
  }

  /** The address guest code calls for a function, binding it first. Works for unexported functions too. */
  address(name: string): Ptr {
    const known = this.bound.get(name);
    if (known !== undefined) return known;
    const address = this.symbolAddress(name);
    this.register(name, address);
    return address;
  }

  /**
   * A function of the base kernel for guest code to call, such as a member of an operations table. One that is exported has an
   * address by its name already (`address`): a second of that name would take its place for modules too.
   */
  hostFunction(name: string, signature: string | Signature, fn: AnyFunction): Ptr {
    if (this.exported.has(name)) throw new Error(`${name} is exported: it has an address of its own`);
    const known = this.bound.get(name);
    if (known !== undefined) return known;
    this.definitions.set(name, {
      fn,
      signature: typeof signature === 'string' ? parseSignature(signature) : signature,
    });
    const address = this.takeStub();
    this.register(name, address);
    return address;
  }

  /** Where guest code calls each function that is defined or that the CPU handles itself, with its name. */
  *places(): Generator<readonly [address: Ptr, name: string]> {
    for (const defined of [...this.exported, ...this.reserved])
      for (const name of [defined, ...(this.known.variants?.(defined) ?? [])]) {
        const address = this.known.addressOf(name);
        if (address !== undefined) yield [address, name];
      }
  }

  /** Where a function is bound; undefined for one that nobody has referred to. */
  boundAt(name: string): Ptr | undefined {
    return this.bound.get(name);
  }

  /** Name of the function bound at an address. */
  nameAt(address: Ptr): string | undefined {
    return this.names.get(address);
  }

  /** The TypeScript function behind an address, to call it without a detour through the CPU. */
  functionAt(address: Ptr): AnyFunction | undefined {
    const name = this.names.get(address);
    return name === undefined ? undefined : this.definitionOf(name)?.fn;
  }

  /** The TypeScript function of a name, also where the target's own is inlined everywhere and has no address. */
  functionNamed(name: string): AnyFunction | undefined {
    return this.definitionOf(name)?.fn;
  }

  /**
   * From now on calls of the function at `address`, if it is one, go by `detour` first. `past` is an address behind its entry at which
   * the function alone can be called, as live patches do.
   */
  intercept(address: Ptr, detour: Detour, past: Ptr): void {
    this.detours.set(address, detour);
    const name = this.names.get(address);
    if (name === undefined || this.reserved.has(name)) return;
    this.bindAt(address, name);
    this.bindPlain(past, name);
  }

  /** Takes back `intercept`. */
  release(address: Ptr, past: Ptr): void {
    if (!this.detours.delete(address)) return;
    const name = this.names.get(address);
    if (name === undefined || this.reserved.has(name)) return;
    this.bindAt(address, name);
    this.executor.unbind(past);
  }

  private symbolAddress(name: string): Ptr {
    return this.known.addressOf(name) ?? this.takeStub();
  }

  private register(name: string, address: Ptr): void {
    this.bound.set(name, address);
    this.names.set(address, name);
    if (!this.reserved.has(name)) this.bindAt(address, name);
  }

  private takeStub(): Ptr {
    const stub = this.nextStub;
    this.nextStub += STUB_BYTES;
    return stub;
  }

  private bindAt(address: Ptr, name: string): void {
    const detour = this.detours.get(address);
    if (!detour) {
      this.bindPlain(address, name);
      return;
    }
    const { invoke, finish } = this.calls(name);
    let elsewhere = false;
    function* around(): Sleepable<Value> {
      if (yield* detour!()) {
        elsewhere = true;
        return undefined;
      }
      const result = invoke();
      return isSleepable(result) ? ((yield* result) as Value) : (result as Value);
    }
    this.executor.bind(address, name, around, (value) => {
      if (!elsewhere) finish(value);
      elsewhere = false;
    });
  }

  private bindPlain(address: Ptr, name: string): void {
    if (!this.definitionOf(name) && this.known.leaves?.(address)) return;
    const { invoke, finish } = this.calls(name);
    this.executor.bind(address, name, invoke, finish);
  }

  private calls(name: string): { invoke: () => unknown; finish: (value: Value) => void } {
    const definition = this.definitionOf(name);
    if (!definition) {
      const invoke = (): never => {
        throw this.known.unimplemented(name);
      };
      return { invoke, finish: () => {} };
    }
    const signature = this.signature(name, definition);
    const finish = this.gate.finisher(signature, name);
    const invoke = this.gate.invoker(signature, definition.fn);
    const { limit } = definition;
    if (limit === undefined) return { invoke, finish };
    const noting = (): unknown => {
      if (!this.used.has(name)) this.used.set(name, limit);
      return invoke();
    };
    return { invoke: noting, finish };
  }

  private signature(name: string, definition: Definition): Signature {
    if (definition.signature !== undefined) return definition.signature;
    const signature = this.known.signatureOf(name);
    if (!signature) throw new Error(`${name} has no prototype: give it a signature`);
    return signature;
  }

  /** The signature that calls of `name` are converted by. */
  signatureOf(name: string): Signature {
    const definition = this.definitionOf(name);
    if (definition) return this.signature(name, definition);
    const signature = this.known.signatureOf(name);
    if (!signature) throw new Error(`${name} is not defined and has no prototype`);
    return signature;
  }
}
