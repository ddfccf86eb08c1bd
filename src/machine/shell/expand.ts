import type { Sleepable } from '../../kernel/effects.js';
import { globMatches } from '../../kmod/index.js';
import type { Vfs } from '../../linux/fs/vfs.js';
import type { Word, WordPart } from './lexer.js';

/** What words can refer to. */
export interface Expansion {
  readonly vfs: Vfs;
  readonly directory: string;
  variable(name: string): string;
}

/** A word's text, with nothing split: what a redirection is given. */
export function expandText(word: Word, expansion: Expansion): string {
  return word.map((part) => textOf(part, expansion)).join('');
}

/** The arguments that words stand for: variables put in, split at blanks, patterns replaced by what matches. */
export function* expandWords(words: readonly Word[], expansion: Expansion): Sleepable<string[]> {
  const found: string[] = [];
  for (const word of words)
    for (const field of split(word, expansion)) found.push(...(yield* glob(field, expansion)));
  return found;
}

/** An argument; `pattern` has what was quoted escaped. */
interface Field {
  text: string;
  pattern: string;
  isPattern: boolean;
}

function textOf(part: WordPart, expansion: Expansion): string {
  return part.kind === 'text' ? part.text : expansion.variable(part.name);
}

function split(word: Word, expansion: Expansion): Field[] {
  const fields: Field[] = [];
  let open = false;
  const extend = (text: string, quoted: boolean): void => {
    if (!open) fields.push({ text: '', pattern: '', isPattern: false });
    open = true;
    const field = fields[fields.length - 1];
    field.text += text;
    field.pattern += quoted ? text.replace(/[*?[\\]/g, '\\$&') : text;
    if (!quoted && /[*?[]/.test(text)) field.isPattern = true;
  };
  for (const part of word) {
    const text = textOf(part, expansion);
    if (part.quoted || part.kind === 'text') {
      extend(text, part.quoted);
      continue;
    }
    text.split(/\s+/).forEach((piece, i) => {
      if (i > 0) open = false;
      if (piece !== '') extend(piece, false);
    });
  }
  return fields;
}

/** Paths that match a pattern, sorted; the word itself where none does. */
function* glob(field: Field, expansion: Expansion): Sleepable<string[]> {
  if (!field.isPattern) return [field.text];
  let found = [field.pattern.startsWith('/') ? '/' : ''];
  for (const segment of field.pattern.split('/').filter(Boolean)) {
    const next: string[] = [];
    for (const base of found) next.push(...(yield* matches(base, segment, expansion)));
    found = next;
  }
  return found.length > 0 ? found.sort() : [field.text];
}

function* matches(base: string, segment: string, expansion: Expansion): Sleepable<string[]> {
  const join = (name: string): string => (base === '' || base === '/' ? `${base}${name}` : `${base}/${name}`);
  if (!/[*?[]/.test(segment.replace(/\\./g, ''))) {
    const path = join(segment.replace(/\\(.)/g, '$1'));
    const status = yield* expansion.vfs.stat(absolute(path, expansion.directory), false);
    return typeof status === 'number' ? [] : [path];
  }
  const names = yield* expansion.vfs.readdir(absolute(base || '.', expansion.directory));
  if (typeof names === 'number') return [];
  return names
    .filter((name) => (segment.startsWith('.') || !name.startsWith('.')) && globMatches(segment, name))
    .map(join);
}

export function absolute(path: string, directory: string): string {
  return path.startsWith('/') ? path : `${directory === '/' ? '' : directory}/${path}`;
}
