import type { Reason, Verdict } from '../reason.js';
import type { TypeChange } from '../types/change.js';

export type VersionReason = Extract<Reason, { kind: 'version' }>;

/** A changed type, and the symbols whose versions it explains. */
export interface Cause {
  readonly change: TypeChange;
  readonly symbols: readonly string[];
}

export function versionReasons(verdict: Verdict): VersionReason[] {
  return verdict.reasons.filter((reason) => reason.kind === 'version');
}

/** The changes behind the versions of a verdict, those that explain most symbols first. */
export function causesOf(reasons: readonly VersionReason[]): Cause[] {
  const causes = new Map<string, { change: TypeChange; symbols: string[] }>();
  for (const { symbol, changes } of reasons) {
    for (const change of changes ?? []) {
      const key = `${change.type}: ${change.text}`;
      const known = causes.get(key);
      if (!known) causes.set(key, { change, symbols: [symbol] });
      else if (!known.symbols.includes(symbol)) known.symbols.push(symbol);
    }
  }
  return [...causes.values()].sort((a, b) => b.symbols.length - a.symbols.length);
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
