import { PATH_MAX } from '../../files/limits.js';

/** The name of a module by its path: up to the first dot, with '-' as '_' (libkmod's path_to_modname). */
export function moduleNameOfPath(path: string): string {
  const base = path.slice(path.lastIndexOf('/') + 1);
  const dot = base.indexOf('.');
  return (dot < 0 ? base : base.slice(0, dot)).slice(0, PATH_MAX - 1).replaceAll('-', '_');
}

/** An alias as it is looked up: '-' is '_' outside of brackets; undefined where a bracket has no other one. */
export function normalizedAlias(alias: string): string | undefined {
  if (!/[-[\]]/.test(alias)) return alias.slice(0, PATH_MAX - 1);
  let out = '';
  for (let at = 0; at < alias.length; at++) {
    const character = alias[at];
    if (character === ']') return undefined;
    if (character !== '[') {
      out += character === '-' ? '_' : character;
      continue;
    }
    const close = alias.indexOf(']', at);
    if (close < 0) return undefined;
    out += alias.slice(at, close + 1);
    at = close;
  }
  return out.slice(0, PATH_MAX - 1);
}

/** What kmod finds to be a module's file; a name that is nothing but the ending is none. */
export function isModulePath(name: string): boolean {
  return /.\.ko(?:\.gz|\.xz|\.zst)?$/s.test(name);
}
