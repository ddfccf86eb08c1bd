import { globMatches } from '../../files/glob.js';
import type { Sleepable } from '../../kernel/effects.js';
import { evaluate } from './arithmetic.js';
import type { Modifier, Script, Word, WordPart } from './syntax.js';
import type { ShellFiles } from './system.js';

/** What words can refer to. */
export interface Expansion {
  readonly vfs: ShellFiles;
  readonly directory: string;
  /** Undefined where it is not set. */
  variable(name: string): string | undefined;
  assign(name: string, value: string): void;
  /** `$1`, `$2`, ... */
  readonly positional: readonly string[];
  /** What a script prints, for `$(...)`. */
  output(script: Script): Sleepable<string>;
  /** What an error number means. */
  strerror(errno: number): string;
  /** `set -u` */
  readonly strict: boolean;
}

/** A word that cannot be expanded: `${x:?}`, a variable that is not set under `set -u`. */
export class ExpansionError extends Error {
  override readonly name = 'ExpansionError';
}

/** A piece of what a word expands to. `split`: it came from a variable or command outside of quotes. */
interface Piece {
  readonly text: string;
  readonly quoted: boolean;
  readonly split: boolean;
  /** Another field begins here: the parameters of "$@". */
  readonly breaks?: boolean;
}

/** A word's text, with nothing split: what a redirection or an assignment is given. */
export function* expandText(word: Word, expansion: Expansion): Sleepable<string> {
  let text = '';
  for (const piece of yield* piecesOf(word, expansion)) text += (piece.breaks ? ' ' : '') + piece.text;
  return text;
}

/** A word as a pattern of glob(7): what was quoted stands for itself. */
export function* expandPattern(word: Word, expansion: Expansion): Sleepable<string> {
  return (yield* piecesOf(word, expansion))
    .map(({ text, quoted }) => (quoted ? escaped(text) : text))
    .join('');
}

/** The arguments that words stand for: put in, split, patterns replaced by what matches. */
export function* expandWords(words: readonly Word[], expansion: Expansion): Sleepable<string[]> {
  const found: string[] = [];
  for (const word of words)
    for (const field of fields(yield* piecesOf(word, expansion), expansion))
      found.push(...(yield* glob(field, expansion)));
  return found;
}

/** An argument; `pattern` has what was quoted escaped. */
interface Field {
  text: string;
  pattern: string;
  isPattern: boolean;
}

function* piecesOf(word: Word, expansion: Expansion): Sleepable<Piece[]> {
  const found: Piece[] = [];
  for (const [i, part] of word.entries()) {
    const first = i === 0 && part.kind === 'text' && !part.quoted && /^~(?:\/|$)/.test(part.text);
    if (first && part.kind === 'text') {
      found.push({
        text: (expansion.variable('HOME') ?? '') + part.text.slice(1),
        quoted: false,
        split: false,
      });
    } else found.push(...(yield* piecesOfPart(part, expansion)));
  }
  return found;
}

function* piecesOfPart(part: WordPart, expansion: Expansion): Sleepable<Piece[]> {
  const { quoted } = part;
  switch (part.kind) {
    case 'text':
      return [{ text: part.text, quoted, split: false }];
    case 'command':
      return [{ text: yield* expansion.output(part.script), quoted, split: !quoted }];
    case 'arithmetic': {
      const text = yield* expandText(part.expression, expansion);
      const variables = {
        get: (name: string) => expansion.variable(name) ?? '',
        set: (name: string, value: string) => expansion.assign(name, value),
      };
      return [{ text: String(evaluate(text, variables)), quoted, split: !quoted }];
    }
    case 'parameter':
      return yield* parameter(part, expansion);
  }
}

function* parameter(
  { name, quoted, length, modifier }: Extract<WordPart, { kind: 'parameter' }>,
  expansion: Expansion,
): Sleepable<Piece[]> {
  if (name === '@' && !length && !modifier)
    return expansion.positional.map((text, i) => ({
      text,
      quoted,
      split: !quoted,
      ...(i > 0 && { breaks: true }),
    }));
  const value = expansion.variable(name);
  if (modifier) return yield* modified(name, value, modifier, quoted, expansion);
  if (value === undefined && expansion.strict) throw new ExpansionError(`${name}: parameter not set`);
  const text = value ?? '';
  return [{ text: length ? String([...text].length) : text, quoted, split: !quoted }];
}

function* modified(
  name: string,
  value: string | undefined,
  { operator, word }: Modifier,
  quoted: boolean,
  expansion: Expansion,
): Sleepable<Piece[]> {
  const isSet = operator.startsWith(':') ? (value ?? '') !== '' : value !== undefined;
  const own: Piece[] = [{ text: value ?? '', quoted, split: !quoted }];
  switch (operator.at(-1)) {
    case '-':
      return isSet ? own : yield* piecesOf(word, expansion);
    case '+':
      return isSet ? yield* piecesOf(word, expansion) : [{ text: '', quoted, split: !quoted }];
    case '=': {
      if (isSet) return own;
      const text = yield* expandText(word, expansion);
      expansion.assign(name, text);
      return [{ text, quoted, split: !quoted }];
    }
    case '?':
      if (isSet) return own;
      throw new ExpansionError(`${name}: ${(yield* expandText(word, expansion)) || 'parameter not set'}`);
    default: {
      const pattern = yield* expandPattern(word, expansion);
      return [{ text: trimmed(value ?? '', operator, pattern), quoted, split: !quoted }];
    }
  }
}

/** `#`, `##`, `%`, `%%`: without the shortest or longest beginning or end that matches. */
function trimmed(text: string, operator: string, pattern: string): string {
  const fromStart = operator.startsWith('#');
  const longest = operator.length === 2;
  for (let i = 0; i <= text.length; i++) {
    const size = longest ? text.length - i : i;
    const part = fromStart ? text.slice(0, size) : text.slice(text.length - size);
    if (globMatches(pattern, part)) return fromStart ? text.slice(size) : text.slice(0, text.length - size);
  }
  return text;
}

function fields(pieces: readonly Piece[], expansion: Expansion): Field[] {
  const blanks = expansion.variable('IFS') ?? ' \t\n';
  const found: Field[] = [];
  let open = false;
  const extend = (text: string, quoted: boolean): void => {
    if (!open) found.push({ text: '', pattern: '', isPattern: false });
    open = true;
    const field = found[found.length - 1];
    field.text += text;
    field.pattern += quoted ? escaped(text) : text;
    if (!quoted && /[*?[]/.test(text)) field.isPattern = true;
  };
  for (const { text, quoted, split, breaks } of pieces) {
    if (breaks) open = false;
    if (!split) {
      extend(text, quoted);
      continue;
    }
    for (const [i, piece] of splitAt(text, blanks).entries()) {
      if (i > 0) open = false;
      if (piece !== undefined) extend(piece, false);
    }
  }
  return found;
}

/** Pieces between separators; undefined for nothing before or behind blanks. Other separators have empty fields between them. */
function splitAt(text: string, separators: string): (string | undefined)[] {
  if (text === '') return [undefined];
  const found: (string | undefined)[] = [];
  let piece: string | undefined;
  for (const char of text) {
    if (!separators.includes(char)) piece = (piece ?? '') + char;
    else {
      found.push(piece ?? (/\s/.test(char) ? undefined : ''));
      piece = undefined;
    }
  }
  found.push(piece);
  return found;
}

function escaped(text: string): string {
  return text.replace(/[*?[\\\]]/g, '\\$&');
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
