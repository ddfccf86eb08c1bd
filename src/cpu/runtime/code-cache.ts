import { type Instrumentation, instrumentationKey } from '../instrumentation.js';
import type { Site } from '../translate/site.js';
import type { CheckMode } from '../translate/translator.js';
import { moduleOf } from './compile.js';
import { Slots } from './slots.js';
import { addressOfEntry, decodeTranslation, encodeTranslation } from './stored-translation.js';

/** A translation apart from any Cpu: what it was made from, and the result. */
export interface Translation {
  readonly ptr: number;
  readonly mode: CheckMode;
  /** See instrumentationKey. */
  readonly instrumentation: string;
  /** Functions of which the module has copies, made with mode 'quick'. */
  readonly copies: readonly number[];
  /** Pairs of start and end. */
  readonly ranges: readonly number[];
  /** The bytes of those ranges, one after the other. */
  readonly code: Uint8Array;
  /** What was asked about other addresses, and the answers (CodeKnowledge.answer). */
  readonly asked: readonly (readonly [ptr: number, answer: string])[];
  /** Addresses jumped to, and whether they were known as functions. */
  readonly jumped: readonly (readonly [ptr: number, known: boolean])[];
  /** Addresses called that were not known as functions before. */
  readonly called: readonly number[];
  readonly sites: readonly Site[];
  /** The WebAssembly binary, with room for the slot numbers of these addresses (five-byte LEB128) at these offsets. */
  readonly binary: Uint8Array;
  readonly slots: readonly { readonly offset: number; readonly ptr: number }[];
}

/** What translations of the same code differ by. */
export interface Variant {
  readonly mode: CheckMode;
  readonly instrumentation: Instrumentation;
}

/**
 * A place to keep translations between processes: entries by key, as they were saved. One that is not there is made again, so a
 * store may forget what it likes; but it must give back whole entries, made by this very version of src/cpu.
 */
export interface TranslationStore {
  /** All entries of a key, in any order. */
  load(key: string): readonly Uint8Array[];
  /** Adds an entry to those of a key, now or with the next flush. */
  save(key: string, entry: Uint8Array): void;
  /** What was saved is to be there for other processes. */
  flush(): void;
}

export interface CachedTranslation {
  readonly translation: Translation;
  /** Compiled with the slot numbers of one numbering. */
  compiled?: { readonly slots: Slots; readonly module: WebAssembly.Module };
}

/**
 * Slots after which new Cpus get another numbering. Each instance of a unit has its own copy of the whole table in V8, so a
 * process that runs module after module would become slower and slower.
 */
const MANY_SLOTS = 2048;
/** Translations of other code at the same address that are kept: modules come to lie where others were. */
const MAX_AT_ONE_PLACE = 16;
/** Translations that are kept in all, so that a process which runs module after module does not grow. */
const MAX_TRANSLATIONS = 20_000;

/**
 * Translations by entry address. A translation is used again only where the same bytes are at the same
 * addresses, and everything it asked about other addresses has the same answer.
 */
export class CodeCache {
  private readonly byPtr = new Map<number, CachedTranslation[]>();
  /** What this process has made or used, oldest first. */
  private readonly inOrder = new Set<CachedTranslation>();
  private slots = new Slots();

  /** `about`: what all translations of this cache depend on besides what each asked for itself. */
  constructor(
    private readonly store?: TranslationStore,
    private readonly about = '',
  ) {}

  /** The numbering for a Cpu to use. */
  slotsForCpu(): Slots {
    if (this.slots.count <= MANY_SLOTS) return this.slots;
    this.slots = new Slots();
    for (const entries of this.byPtr.values()) for (const entry of entries) delete entry.compiled;
    return this.slots;
  }

  /** The WebAssembly module of a translation, with the slot numbers of a Cpu. */
  moduleFor(entry: CachedTranslation, slots: Slots): WebAssembly.Module {
    if (entry.compiled?.slots === slots) return entry.compiled.module;
    const module = moduleOf(entry.translation, slots);
    entry.compiled = { slots, module };
    return module;
  }

  /** `place`: see codePlace. It is asked for where another process may have stored the translation. */
  find(
    ptr: number,
    { mode, instrumentation }: Variant,
    place: () => string,
    matches: (translation: Translation) => boolean,
  ): CachedTranslation | undefined {
    const key = instrumentationKey(instrumentation);
    const fits = (translation: Translation): boolean =>
      translation.mode === mode && translation.instrumentation === key && matches(translation);
    const known = this.byPtr.get(ptr)?.find(({ translation }) => fits(translation));
    if (known || !this.store) return known;
    for (const entry of this.store.load(this.about + place())) {
      const translation = addressOfEntry(entry) === ptr ? decodeTranslation(entry) : undefined;
      if (translation && fits(translation)) return this.keep({ translation });
    }
    return undefined;
  }

  /** Adds what was made now. */
  add(entry: CachedTranslation, place: () => string): void {
    this.keep(entry);
    this.store?.save(this.about + place(), encodeTranslation(entry.translation));
  }

  /** See TranslationStore.flush. */
  flush(): void {
    this.store?.flush();
  }

  private keep(entry: CachedTranslation): CachedTranslation {
    const { ptr } = entry.translation;
    const known = this.byPtr.get(ptr);
    if (known) known.push(entry);
    else this.byPtr.set(ptr, [entry]);
    this.inOrder.add(entry);
    if (known && known.length > MAX_AT_ONE_PLACE) this.forget(known[0]);
    const [oldest] = this.inOrder;
    if (this.inOrder.size > MAX_TRANSLATIONS) this.forget(oldest);
    return entry;
  }

  private forget(entry: CachedTranslation): void {
    const { ptr } = entry.translation;
    this.inOrder.delete(entry);
    const left = this.byPtr.get(ptr)?.filter((other) => other !== entry) ?? [];
    if (left.length > 0) this.byPtr.set(ptr, left);
    else this.byPtr.delete(ptr);
  }
}
