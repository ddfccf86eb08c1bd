import { describe, expect, it } from 'vitest';
import { getopt } from './getopt.js';

const options = (args: readonly string[], letters: string) =>
  getopt(args, letters).options.map((given) =>
    'argument' in given ? given.option + given.argument : given.message,
  );

describe("BSD's getopt", () => {
  it('ends at the first word that is no option, and at --', () => {
    expect(getopt(['-a', 'x', '-b'], 'ab').operands).toEqual(['x', '-b']);
    expect(getopt(['-a', '--', '-b'], 'ab').operands).toEqual(['-b']);
    expect(getopt(['-', '-a'], 'a').operands).toEqual(['-', '-a']);
  });

  it('takes letters together, and arguments from the word or the next one', () => {
    expect(options(['-abf', 'x', '-fy'], 'abf:')).toEqual(['a', 'b', 'fx', 'fy']);
  });

  it('tells of letters that there are not where they stand', () => {
    expect(options(['-ax:b', '--long'], 'ab')).toEqual([
      'a',
      'illegal option -- x',
      'illegal option -- :',
      'b',
      'illegal option -- -',
      'illegal option -- l',
      'illegal option -- o',
      'illegal option -- n',
      'illegal option -- g',
    ]);
  });

  it('tells of an argument that is not there', () => {
    expect(options(['-f'], 'f:')).toEqual(['option requires an argument -- f']);
  });
});
