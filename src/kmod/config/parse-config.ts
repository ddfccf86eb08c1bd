import type { SoftDependency } from '../index/module-index.js';
import { normalizeName } from '../names.js';
import type { ModprobeConfig } from './modprobe-config.js';

/** Adds one file of modprobe.d to a configuration (modprobe.d(5)). */
export function parseConfigFile(config: ModprobeConfig, text: string, path: string): void {
  for (const { line, number } of logicalLines(text)) {
    const problem = parseLine(config, line);
    if (problem !== undefined) config.problems.push(`${path} line ${number}: ${problem}`);
  }
}

/** Lines without comments; a backslash at the end of one goes on with the next. */
function* logicalLines(text: string): Generator<{ line: string; number: number }> {
  let pending = '';
  let number = 0;
  let first = 1;
  for (const raw of text.split('\n')) {
    number++;
    if (pending === '') first = number;
    if (raw.endsWith('\\')) {
      pending += raw.slice(0, -1);
      continue;
    }
    const line = (pending + raw).trim();
    pending = '';
    if (line !== '' && !line.startsWith('#')) yield { line, number: first };
  }
}

function parseLine(config: ModprobeConfig, line: string): string | undefined {
  const [keyword, subject, ...rest] = line.split(/[ \t]+/);
  const text = afterWords(line, 2);
  if (subject === undefined) return `ignoring bad line starting with '${keyword}'`;
  const module = normalizeName(subject);
  const needsText = rest.length === 0;
  switch (keyword) {
    case 'alias':
      if (needsText) break;
      config.aliases.push({ alias: module, module: normalizeName(rest[0]) });
      return undefined;
    case 'blacklist':
      config.blacklist.push(module);
      return undefined;
    case 'options':
      if (needsText) break;
      config.options.push({ module, text });
      return undefined;
    case 'install':
      if (needsText) break;
      config.install.push({ module, text });
      return undefined;
    case 'remove':
      if (needsText) break;
      config.remove.push({ module, text });
      return undefined;
    case 'softdep':
      if (needsText) break;
      config.softDependencies.push(parseSoftdep(module, rest));
      return undefined;
    case 'weakdep':
      return undefined;
    case 'include':
    case 'config':
      return `command ${keyword} is deprecated and not parsed anymore`;
  }
  return `ignoring bad line starting with '${keyword}'`;
}

/** What follows the first `count` words. */
function afterWords(line: string, count: number): string {
  let rest = line;
  for (let i = 0; i < count; i++) rest = rest.replace(/^\S+[ \t]*/, '');
  return rest;
}

/** `pre: a b post: c`; names before either word are not used, as modprobe has it. */
export function parseSoftdep(module: string, words: readonly string[]): SoftDependency {
  const pre: string[] = [];
  const post: string[] = [];
  let into: string[] | undefined;
  for (const word of words) {
    if (word === 'pre:') into = pre;
    else if (word === 'post:') into = post;
    else into?.push(word);
  }
  return { module, pre, post };
}
