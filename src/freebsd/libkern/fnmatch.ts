import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const NO_MATCH = 1;

interface How {
  readonly noEscape: boolean;
  readonly pathname: boolean;
  readonly period: boolean;
  readonly leadingDir: boolean;
  readonly ignoresCase: boolean;
}

/** fnmatch(3): names and patterns of shells (sys/libkern/fnmatch.c). */
export class Fnmatch implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    fnmatch: (pattern: Ptr, text: Ptr, flags: number) => {
      const { space } = this.k;
      return matches(space.cstring(pattern), space.cstring(text), this.how(flags)) ? 0 : NO_MATCH;
    },
  };

  private how(flags: number): How {
    const has = (name: string): boolean => (flags & this.k.macro(name)) !== 0;
    return {
      noEscape: has('FNM_NOESCAPE'),
      pathname: has('FNM_PATHNAME'),
      period: has('FNM_PERIOD'),
      leadingDir: has('FNM_LEADING_DIR'),
      ignoresCase: has('FNM_CASEFOLD'),
    };
  }
}

const folded = (char: string, { ignoresCase }: How): string => (ignoresCase ? char.toLowerCase() : char);

/** A period at the start of a name, which only a period matches. */
function isLeadingPeriod(text: string, at: number, how: How): boolean {
  return how.period && text[at] === '.' && (at === 0 || (how.pathname && text[at - 1] === '/'));
}

function matches(pattern: string, text: string, how: How, p = 0, t = 0): boolean {
  if (p === pattern.length) return t === text.length || (how.leadingDir && text[t] === '/');
  const char = pattern[p];
  if (char === '*') {
    if (isLeadingPeriod(text, t, how)) return false;
    let next = p;
    while (pattern[next] === '*') next++;
    for (let at = t; at <= text.length; at++) {
      if (matches(pattern, text, how, next, at)) return true;
      if (how.pathname && text[at] === '/') return false;
    }
    return false;
  }
  if (t === text.length) return false;
  if (char === '?' || char === '[') {
    if ((how.pathname && text[t] === '/') || isLeadingPeriod(text, t, how)) return false;
    if (char === '?') return matches(pattern, text, how, p + 1, t + 1);
    const range = inRange(pattern, p, text[t], how);
    if (range) return range.isIn && matches(pattern, text, how, range.next, t + 1);
  }
  const escapes = char === '\\' && !how.noEscape && p + 1 < pattern.length;
  const literal = escapes ? pattern[p + 1] : char;
  if (folded(literal, how) !== folded(text[t], how)) return false;
  return matches(pattern, text, how, p + (escapes ? 2 : 1), t + 1);
}

/** Whether a character is in the brackets that begin at `at`: undefined where they have no end. */
function inRange(
  pattern: string,
  at: number,
  char: string,
  how: How,
): { readonly isIn: boolean; readonly next: number } | undefined {
  let p = at + 1;
  const negated = pattern[p] === '!' || pattern[p] === '^';
  if (negated) p++;
  const wanted = folded(char, how);
  let isIn = false;
  for (let first = true; first || pattern[p] !== ']'; first = false) {
    if (p >= pattern.length) return undefined;
    if (pattern[p] === '\\' && !how.noEscape) p++;
    const low = folded(pattern[p++] ?? '', how);
    let high = low;
    if (pattern[p] === '-' && p + 1 < pattern.length && pattern[p + 1] !== ']') {
      p++;
      if (pattern[p] === '\\' && !how.noEscape) p++;
      high = folded(pattern[p++] ?? '', how);
    }
    if (low <= wanted && wanted <= high) isIn = true;
  }
  return { isIn: isIn !== negated, next: p + 1 };
}
