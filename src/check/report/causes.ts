import type { Reason, Verdict } from '../reason.js';

export type VersionReason = Extract<Reason, { kind: 'version' }>;

/** A type that changed, and the symbols whose versions that may explain. */
interface Cause {
  /** `struct net_device` */
  readonly type: string;
  /** In words, what changed in it. */
  readonly texts: readonly string[];
  readonly symbols: readonly string[];
  /** The shortest way from one of the symbols to it. */
  readonly path: readonly string[];
}

interface Gathered {
  readonly type: string;
  readonly texts: Set<string>;
  readonly symbols: Set<string>;
  path: readonly string[];
  weight: number;
}

export function versionReasons(verdict: Verdict): VersionReason[] {
  return verdict.reasons.filter((reason) => reason.kind === 'version');
}

/**
 * The changed types behind the versions of a verdict, the likeliest first: those that explain many symbols and are near to
 * them. Far from a symbol, a type may have been only declared where it was exported, and then does not count.
 */
export function causesOf(reasons: readonly VersionReason[]): Cause[] {
  const causes = new Map<string, Gathered>();
  for (const { symbol, changes } of reasons)
    for (const { type, text, path } of changes ?? []) {
      const cause = causes.get(type) ?? { type, texts: new Set(), symbols: new Set(), path, weight: 0 };
      causes.set(type, cause);
      if (!cause.symbols.has(symbol)) cause.weight += 1 / (path.length + 1) ** 2;
      if (path.length < cause.path.length) cause.path = path;
      cause.texts.add(text);
      cause.symbols.add(symbol);
    }
  return [...causes.values()]
    .sort((a, b) => b.weight - a.weight)
    .map(({ type, texts, symbols, path }) => ({ type, texts: [...texts], symbols: [...symbols], path }));
}

/** Symbols whose types are the same as far as BTF knows, or of which it knows no types. */
export function unexplained(reasons: readonly VersionReason[]): {
  readonly same: string[];
  readonly unknown: string[];
} {
  return {
    same: reasons.filter(({ changes }) => changes?.length === 0).map(({ symbol }) => symbol),
    unknown: reasons.filter(({ changes }) => changes === undefined).map(({ symbol }) => symbol),
  };
}
