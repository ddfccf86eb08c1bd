import type { ListChange } from './list-difference.js';

/** More names than this in one place are counted. */
const SHOWN = 4;

/** What became of members, parameters or enumerators in one place of a list, in words. */
export function changeText(
  what: string,
  { removed, added, before }: ListChange,
  moved: ReadonlySet<string>,
): string[] {
  const gone = removed.filter((name) => !moved.has(name));
  const come = added.filter((name) => !moved.has(name));
  const shifted = added.filter((name) => moved.has(name));
  const place = before === undefined ? 'at the end' : `before '${before}'`;
  const texts: string[] = [];
  if (gone.length > 0 && come.length > 0) texts.push(`${names(what, gone)} replaced by ${quoted(come)}`);
  else if (come.length > 0) texts.push(`${names(what, come)} added ${place}`);
  else if (gone.length > 0) texts.push(`${names(what, gone)} removed`);
  if (shifted.length > 0)
    texts.push(`${names(what, shifted)} moved ${before === undefined ? 'to the end' : place}`);
  return texts;
}

function names(what: string, list: readonly string[]): string {
  return `${what}${list.length === 1 ? '' : 's'} ${quoted(list)}`;
}

function quoted(list: readonly string[]): string {
  const shown = list.slice(0, SHOWN).map((name) => `'${name}'`);
  if (list.length > SHOWN) shown.push(`${list.length - SHOWN} more`);
  return shown.join(', ');
}
