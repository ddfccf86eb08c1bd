import type { Key } from './key.js';

/** A line of text that is being edited; the cursor stands before the character at `cursor`. */
export interface EditedLine {
  readonly text: string;
  readonly cursor: number;
}

/** A line with the cursor behind it. */
export function lineOf(text: string): EditedLine {
  return { text, cursor: text.length };
}

/** What a key makes of a line, with the keys of readline(3) that move and delete. Other keys change nothing. */
export function editLine(line: EditedLine, key: Key): EditedLine {
  const { text, cursor } = line;
  const before = text.slice(0, cursor);
  const behind = text.slice(cursor);
  switch (key.ctrl ? `^${key.name}` : key.name) {
    case 'left':
    case '^b':
      return { text, cursor: Math.max(0, cursor - 1) };
    case 'right':
    case '^f':
      return { text, cursor: Math.min(text.length, cursor + 1) };
    case 'home':
    case '^a':
      return { text, cursor: 0 };
    case 'end':
    case '^e':
      return lineOf(text);
    case 'backspace':
    case '^h':
      return { text: before.slice(0, -1) + behind, cursor: Math.max(0, cursor - 1) };
    case 'delete':
    case '^d':
      return { text: before + behind.slice(1), cursor };
    case '^u':
      return { text: behind, cursor: 0 };
    case '^k':
      return lineOf(before);
    case '^w': {
      const kept = before.replace(/\S+\s*$/, '');
      return { text: kept + behind, cursor: kept.length };
    }
  }
  const typed = key.text;
  if (typed === '') return line;
  return { text: before + typed + behind, cursor: cursor + typed.length };
}
