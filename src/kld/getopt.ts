/** An option, or what is wrong with the next word; `option` is '?' then. */
export type GivenOption =
  | { readonly option: string; readonly argument: string }
  | { readonly option: '?'; readonly message: string };

export interface CommandLine {
  readonly options: readonly GivenOption[];
  readonly operands: readonly string[];
}

/**
 * A command line as BSD's getopt(3) takes it apart: options end at the first word that is none, and at `--`. `letters` has those that
 * there are, each followed by ':' where it takes an argument. What is wrong is told in its words, without the name of the
 * program, at its place among the options: what stands before it counts.
 */
export function getopt(args: readonly string[], letters: string): CommandLine {
  const options: GivenOption[] = [];
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at];
    if (!word.startsWith('-') || word === '-') break;
    if (word === '--') return { options, operands: args.slice(at + 1) };
    at += takeWord(word, args[at + 1], letters, options);
  }
  return { options, operands: args.slice(at) };
}

/** Takes the options of a word, and gives 1 where the next word is an argument of the last, else 0. */
function takeWord(word: string, next: string | undefined, letters: string, options: GivenOption[]): number {
  for (let i = 1; i < word.length; i++) {
    const option = word[i];
    const known = option === ':' ? -1 : letters.indexOf(option);
    if (known < 0) {
      options.push({ option: '?', message: `illegal option -- ${option}` });
      continue;
    }
    if (letters[known + 1] !== ':') {
      options.push({ option, argument: '' });
      continue;
    }
    const rest = word.slice(i + 1);
    if (rest !== '') {
      options.push({ option, argument: rest });
      return 0;
    }
    if (next === undefined)
      options.push({ option: '?', message: `option requires an argument -- ${option}` });
    else options.push({ option, argument: next });
    return 1;
  }
  return 0;
}
