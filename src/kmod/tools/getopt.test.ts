import { describe, expect, it } from 'vitest';
import { getopt, type OptionTable } from './getopt.js';

/** Some of modprobe's, whose messages (of glibc 2.36) these are. */
const TABLE: OptionTable = {
  short: 'arC:S:w:qv',
  long: [
    { name: 'all', value: 'a' },
    { name: 'remove', value: 'r' },
    { name: 'first-time', value: 'first-time' },
    { name: 'ignore-install', value: 'i' },
    { name: 'ignore-remove', value: 'i' },
    { name: 'force', value: 'f' },
    { name: 'force-modversion', value: 'modversion' },
    { name: 'force-vermagic', value: 'vermagic' },
    { name: 'config', value: 'C', argument: true },
    { name: 'set-version', value: 'S', argument: true },
    { name: 'show', value: 'n' },
    { name: 'show-config', value: 'c' },
    { name: 'version', value: 'V' },
  ],
};

const parse = (...args: string[]): string => {
  const line = getopt('modprobe', args, TABLE);
  if (line.kind === 'wrong') return line.message.trimEnd();
  const options = line.options.map(({ value, argument }) => (argument ? `${value}=${argument}` : value));
  return [...options, '|', ...line.operands].join(' ');
};

describe('getopt_long', () => {
  it('takes letters apart, with arguments behind or beside them', () => {
    expect(parse('-arq', 'x')).toBe('a r q | x');
    expect(parse('-aCfile', 'x')).toBe('a C=file | x');
    expect(parse('-aC', 'file', 'x')).toBe('a C=file | x');
    expect(parse('-C', '-a')).toBe('C=-a |');
  });

  it('finds options behind operands, up to --', () => {
    expect(parse('x', '-a', 'y', '--', '-r', 'z')).toBe('a | x y -r z');
    expect(parse('-', 'x')).toBe('| - x');
  });

  it('takes long options and unmistakable starts of them', () => {
    expect(parse('--config=f', '--set-version', '6.1', '--all')).toBe('C=f S=6.1 a |');
    expect(parse('--conf=f', '--rem')).toBe('C=f r |');
    expect(parse('--show')).toBe('n |');
    expect(parse('--show-c')).toBe('c |');
    expect(parse('--ignore')).toBe('i |');
    expect(parse('--force')).toBe('f |');
    expect(parse('--config=')).toBe('C |');
  });

  it('says what is wrong', () => {
    expect(parse('-aZq')).toBe("modprobe: invalid option -- 'Z'");
    expect(parse('-:')).toBe("modprobe: invalid option -- ':'");
    expect(parse('-C')).toBe("modprobe: option requires an argument -- 'C'");
    expect(parse('--zzz=1')).toBe("modprobe: unrecognized option '--zzz=1'");
    expect(parse('--config')).toBe("modprobe: option '--config' requires an argument");
    expect(parse('--all=3')).toBe("modprobe: option '--all' doesn't allow an argument");
    expect(parse('--fo')).toBe(
      "modprobe: option '--fo' is ambiguous; possibilities: '--force' '--force-modversion' '--force-vermagic'",
    );
  });

  it('keeps the options before a wrong one', () => {
    expect(getopt('modprobe', ['-q', '-Z'], TABLE)).toMatchObject({
      kind: 'wrong',
      options: [{ value: 'q', argument: '' }],
    });
  });
});
