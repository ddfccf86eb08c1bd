import { checkedName } from '../names.js';
import { logicalLines } from './lines.js';
import type { ModprobeConfig, SoftDependency, WeakDependency } from './modprobe-config.js';

const REPORTER = 'kmod_config_parse';

/** Adds one file of modprobe.d to a configuration (modprobe.d(5)). */
export function parseConfigFile(config: ModprobeConfig, text: string, path: string): void {
  for (const line of logicalLines(text)) {
    if (line.text === '' || line.text.startsWith('#')) continue;
    const words = new Words(line.text);
    const command = words.next();
    if (command === undefined) continue;
    if (command === 'include' || command === 'config') {
      const problem = `${path}: command ${command} is deprecated and not parsed anymore`;
      config.problems.push({ reporter: REPORTER, text: problem });
      continue;
    }
    if (addCommand(config, command, words)) continue;
    const problem = `${path} line ${line.number}: ignoring bad line starting with '${command}'`;
    config.problems.push({ reporter: REPORTER, text: problem });
  }
}

/** False for a line that makes no sense. */
function addCommand(config: ModprobeConfig, command: string, words: Words): boolean {
  const module = nameIn(words);
  if (module === undefined) return false;
  switch (command) {
    case 'alias': {
      const target = nameIn(words);
      if (target === undefined) return false;
      config.aliases.push({ alias: module, module: target });
      return true;
    }
    case 'blacklist':
      config.blacklist.push(module);
      return true;
  }
  const text = words.rest();
  if (text === undefined) return false;
  switch (command) {
    case 'options':
      config.options.push({ module, text: text.replaceAll('\t', ' ') });
      return true;
    case 'install':
      config.install.push({ module, text });
      return true;
    case 'remove':
      config.remove.push({ module, text });
      return true;
    case 'softdep':
      config.softDependencies.push(parseSoftdep(module, text));
      return true;
    case 'weakdep':
      config.weakDependencies.push(parseWeakdep(module, text));
      return true;
  }
  return false;
}

function nameIn(words: Words): string | undefined {
  const word = words.next();
  return word === undefined ? undefined : checkedName(word);
}

/** Words between blanks, and what is left behind one of them. */
class Words {
  private at = 0;

  constructor(private readonly line: string) {}

  next(): string | undefined {
    const { line } = this;
    while (isBlank(line[this.at])) this.at++;
    if (this.at >= line.length) return undefined;
    const start = this.at;
    while (this.at < line.length && !isBlank(line[this.at])) this.at++;
    return line.slice(start, this.at++);
  }

  /** Everything after the one blank that ended the last word; undefined where there is nothing. */
  rest(): string | undefined {
    const text = this.line.slice(this.at);
    return text === '' ? undefined : text;
  }
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

const SPACE = /[ \t\n\v\f\r]+/;

/**
 * Words of a dependency line. A single blank before the first word is taken for a part of it, as kmod 34 does:
 * `softdep a  pre: b`, with two blanks, has no `pre:`.
 */
function dependencyWords(text: string): string[] {
  const words = text.split(SPACE).filter(Boolean);
  if (words.length > 0 && SPACE.test(text[0]) && !SPACE.test(text[1])) words[0] = text[0] + words[0];
  return words;
}

/** `pre: a b post: c`; names before either word are not used. */
function parseSoftdep(module: string, text: string): SoftDependency {
  const used: { readonly list: 'pre' | 'post'; readonly name: string }[] = [];
  let list: 'pre' | 'post' | undefined;
  for (const word of dependencyWords(text)) {
    if (word === 'pre:') list = 'pre';
    else if (word === 'post:') list = 'post';
    else if (list) used.push({ list, name: word });
  }
  const of = (wanted: 'pre' | 'post'): string[] =>
    used.filter((entry) => entry.list === wanted).map(({ name }) => name);
  const shown = (['pre', 'post'] as const).map((which) => span(which, used));
  return { module, pre: of('pre'), post: of('post'), shown: shown.join('') };
}

/** One half of `modprobe -c`'s text: kmod shows everything from the first to the last name of a list. */
function span(
  which: 'pre' | 'post',
  used: readonly { readonly list: 'pre' | 'post'; readonly name: string }[],
): string {
  const first = used.findIndex(({ list }) => list === which);
  const last = used.map(({ list }) => list).lastIndexOf(which);
  const names = used.slice(first, last + 1).map(({ name }) => name);
  return first < 0 ? '' : `${which}: ${names.join(' ')}`;
}

function parseWeakdep(module: string, text: string): WeakDependency {
  return { module, weak: dependencyWords(text) };
}
