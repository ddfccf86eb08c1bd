import type { Btf } from '../../formats/btf/index.js';
import type { TypeChange } from './change.js';
import { type Comparison, pairKey, type TypePair, TypePairs } from './type-pairs.js';

/** Types with differences that are told for one symbol: those nearest to it. */
const TYPES_TOLD = 4;

/**
 * Why a symbol's version differs between two kernels: genksyms makes it from the symbol's declaration and all types that
 * this is made of, so the changed types are looked for from the declaration on, nearest first.
 *
 * BTF does not know which types were only declared where the symbol was exported, and those do not count for its version.
 * So a change far from the symbol may be innocent; the nearest mostly is not.
 */
export class SymbolChanges {
  private readonly pairs: TypePairs;
  private readonly known = new Map<string, readonly TypeChange[] | undefined>();

  constructor(there: Btf, here: Btf) {
    this.pairs = new TypePairs(there, here);
  }

  /** Empty where the types known of it are the same; undefined where they are not known: BTF has functions and per-CPU variables. */
  of(symbol: string): readonly TypeChange[] | undefined {
    if (!this.known.has(symbol)) this.known.set(symbol, this.search(symbol));
    return this.known.get(symbol);
  }

  private search(symbol: string): readonly TypeChange[] | undefined {
    const asFunction = this.pairs.ofFunction(symbol);
    const start = asFunction ?? this.pairs.ofVariable(symbol);
    if (!start) return undefined;
    const name = asFunction ? `${symbol}()` : symbol;
    const changes: TypeChange[] = start.texts.map((text) => ({ type: name, text, path: [] }));
    return changes.length >= TYPES_TOLD
      ? changes
      : [...changes, ...this.below(start, name, TYPES_TOLD - changes.length)];
  }

  /** Breadth first, so that the nearest come first. */
  private below(start: Comparison, name: string, wanted: number): TypeChange[] {
    const changes: TypeChange[] = [];
    const seen = new Set<number>();
    let types = 0;
    let level: { readonly pair: TypePair; readonly path: Path }[] = start.parts.map((pair) => ({
      pair,
      path: { name, from: undefined },
    }));
    while (level.length > 0) {
      const next: typeof level = [];
      for (const { pair, path } of level) {
        const key = pairKey(pair);
        if (seen.has(key)) continue;
        seen.add(key);
        const { texts, parts } = this.pairs.compare(pair);
        if (texts.length > 0) {
          for (const text of texts) changes.push({ type: pair.name, text, path: namesOf(path) });
          if (++types >= wanted) return changes;
        }
        for (const part of parts) next.push({ pair: part, path: { name: pair.name, from: path } });
      }
      level = next;
    }
    return changes;
  }
}

interface Path {
  readonly name: string;
  readonly from: Path | undefined;
}

function namesOf(path: Path): string[] {
  const names: string[] = [];
  for (let at: Path | undefined = path; at; at = at.from) names.unshift(at.name);
  return names;
}
