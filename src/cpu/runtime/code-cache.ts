import { type Instrumentation, instrumentationKey } from '../instrumentation.js';
import type { Site } from '../translate/site.js';
import type { CheckMode } from '../translate/translator.js';
import { moduleOf } from './compile.js';
import { Slots } from './slots.js';

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

/** A place to keep translations between processes. Keys are short texts; values must come back unchanged. */
export interface TranslationStore {
  load(key: string): readonly Translation[];
  save(key: string, translation: Translation): void;
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
  /** What was made in this process, oldest first. */
  private readonly inOrder = new Set<CachedTranslation>();
  private slots = new Slots();

  constructor(private readonly store?: TranslationStore) {}

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

  find(
    ptr: number,
    { mode, instrumentation }: Variant,
    matches: (translation: Translation) => boolean,
  ): CachedTranslation | undefined {
    const known = this.byPtr.get(ptr) ?? this.loadStored(ptr);
    const key = instrumentationKey(instrumentation);
    return known.find(
      ({ translation }) =>
        translation.mode === mode && translation.instrumentation === key && matches(translation),
    );
  }

  add(entry: CachedTranslation): void {
    const { ptr } = entry.translation;
    const known = this.byPtr.get(ptr);
    if (known) known.push(entry);
    else this.byPtr.set(ptr, [entry]);
    this.inOrder.add(entry);
    if (known && known.length > MAX_AT_ONE_PLACE) this.forget(known[0]);
    const [oldest] = this.inOrder;
    if (this.inOrder.size > MAX_TRANSLATIONS) this.forget(oldest);
    this.store?.save(key(ptr), entry.translation);
  }

  private forget(entry: CachedTranslation): void {
    const { ptr } = entry.translation;
    this.inOrder.delete(entry);
    const left = this.byPtr.get(ptr)?.filter((other) => other !== entry) ?? [];
    if (left.length > 0) this.byPtr.set(ptr, left);
    else this.byPtr.delete(ptr);
  }

  private loadStored(ptr: number): CachedTranslation[] {
    if (!this.store) return [];
    const loaded = this.store.load(key(ptr)).map((translation) => ({ translation }));
    if (loaded.length > 0) this.byPtr.set(ptr, loaded);
    return loaded;
  }
}

/** Changes whenever translations made by older versions must not be used. */
const VERSION = 5;

const key = (ptr: number): string => `${VERSION}-${ptr.toString(16)}`;
