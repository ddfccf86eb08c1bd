import { describe, expect, it } from 'vitest';
import { sameParameter, splitArguments } from './parse-args.js';

/** name=value, or the name alone, of each argument; as the real kernel had them in its messages and values. */
const split = (text: string): (string | readonly [string, string])[] =>
  splitArguments(text).found.map(({ name, value }) => (value === undefined ? name : [name, value]));

describe('splitArguments', () => {
  it('splits at white space, names from values at the first =', () => {
    expect(split('a=1  b=x=y\tc\n')).toEqual([['a', '1'], ['b', 'x=y'], 'c']);
    expect(split('nothing= good=9')).toEqual([
      ['nothing', ''],
      ['good', '9'],
    ]);
  });

  it('keeps what is quoted together and takes the quotes off', () => {
    expect(split('whom="two words" "x=1 2"')).toEqual([
      ['whom', 'two words'],
      ['x', '1 2'],
    ]);
    expect(split('nothing="unclosed good=9')).toEqual([['nothing', 'unclosed good=9']]);
  });

  it('leaves quotes inside of a word where they are', () => {
    expect(split('nothing=a"b c"d good=9')).toEqual([
      ['nothing', 'a"b c"d'],
      ['good', '9'],
    ]);
  });

  it('has an argument that begins with = for a name', () => {
    expect(split('=value good=9 =')).toEqual(['=value', ['good', '9'], '=']);
  });

  it('ends at --', () => {
    expect(splitArguments('a -- b  c="d e"')).toEqual({
      found: [{ name: 'a', value: undefined }],
      afterDashes: 'b  c="d e"',
    });
    expect(splitArguments('--=3 --x').afterDashes).toBeUndefined();
    expect(splitArguments('a --').afterDashes).toBe('');
  });

  it('has nothing for an empty string', () => {
    expect(split('  ')).toEqual([]);
  });
});

describe('sameParameter', () => {
  it('does not tell - from _', () => {
    expect(sameParameter('use-acpi', 'use_acpi')).toBe(true);
    expect(sameParameter('a', 'b')).toBe(false);
  });
});
