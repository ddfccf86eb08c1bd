import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../kmod/index.js';
import { loadBundled } from '../../target/node/index.js';
import { Machine } from '../machine.js';
import { CapturedOutput } from '../userland/terminal.js';
import { parseScript } from './parser.js';
import { Shell } from './shell.js';

let machine: Machine;

beforeAll(() => {
  machine = Machine.boot({
    target: loadBundled(),
    files: new MemoryFiles([
      ['/etc/motd', 'one\ntwo\nthree\n'],
      ['/etc/script', 'echo from $name\nfalse\n'],
      ['/tmp/keep', ''],
    ]),
  });
});

function sh(text: string): { exit: number; out: string; err: string } {
  const output = new CapturedOutput();
  const { exit } = new Shell(machine, output).run(text);
  return { exit, out: output.stdout, err: output.stderr };
}

describe('words', () => {
  it.each([
    ["echo 'a  b' c", 'a  b c\n'],
    ['echo "a $x b"', 'a  b\n'],
    ['x="p q"; echo $x "$x"', 'p q p q\n'],
    ['echo a\\ b \'c\'"d"e', 'a b cde\n'],
    ['echo a#b # comment', 'a#b\n'],
    ['false; echo $?', '1\n'],
    ['echo -n a; echo -e "b\\tc"', 'ab\tc\n'],
    ['echo /etc/m*', '/etc/motd\n'],
    ['echo "/etc/m*" /none/*', '/etc/m* /none/*\n'],
    ['echo a \\\n b', 'a b\n'],
  ])('%s', (script, out) => {
    expect(sh(script)).toEqual({ exit: 0, out, err: '' });
  });
});

describe('lists and pipes', () => {
  it.each([
    ['true && echo yes || echo no', 'yes\n', 0],
    ['false && echo yes || echo no', 'no\n', 0],
    ['! false; echo $?', '0\n', 0],
    ['cat /etc/motd | grep t | wc -l', '2\n', 0],
    ['cat /etc/motd | head -n 1', 'one\n', 0],
    ['tail -n 1 /etc/motd', 'three\n', 0],
    ['grep -c o < /etc/motd', '2\n', 0],
    ['(echo a; exit 3); echo $?', 'a\n3\n', 0],
    ['sleep 5 & echo first; wait; echo last', 'first\nlast\n', 0],
    ['exit 4; echo never', '', 4],
    ['cd /etc; cat motd | wc -c; pwd', '14\n/etc\n', 0],
    ['test -f /etc/motd && [ 3 -gt 2 ]', '', 0],
    ['name=me; . /etc/script', 'from me\n', 1],
  ])('%s', (script, out, exit) => {
    expect(sh(script)).toEqual({ exit, out, err: '' });
  });
});

describe('redirections', () => {
  it('write, append and read files of the machine', () => {
    expect(sh('echo a > /tmp/f; echo b >> /tmp/f; cat /tmp/f; cat < /tmp/f')).toMatchObject({
      out: 'a\nb\na\nb\n',
    });
    expect(sh('cat /none 2> /tmp/e; cat /tmp/e').out).toBe(
      "cat: can't open '/none': No such file or directory\n",
    );
    expect(sh('cat /none > /tmp/e 2>&1; wc -l /tmp/e').out).toBe('1 /tmp/e\n');
    expect(sh('cat /none 2> /dev/null')).toEqual({ exit: 1, out: '', err: '' });
  });

  it('say what cannot be opened', () => {
    expect(sh('echo x > /none/x')).toEqual({
      exit: 1,
      out: '',
      err: "sh: can't create /none/x: nonexistent directory\n",
    });
    expect(sh('cat < /none')).toMatchObject({ exit: 1, err: "sh: can't open /none: no such file\n" });
  });
});

describe('mistakes', () => {
  it.each([
    ['nonsense', 127, 'sh: nonsense: not found\n'],
    ["echo 'open", 2, 'sh: unterminated quoted string\n'],
    ['echo | ', 2, 'sh: syntax error: unexpected end of line\n'],
    ['(echo', 2, 'sh: syntax error: unexpected end of line\n'],
    ['; ; )', 2, 'sh: syntax error: unexpected ")"\n'],
    ['grep', 2, 'grep: no pattern\nusage: grep [-civqnxoFEHh] PATTERN [FILE]...\n'],
  ])('%s', (script, exit, err) => {
    expect(sh(script)).toEqual({ exit, out: '', err });
  });

  it('parse to an error and never hang', () => {
    for (const text of ['&&', '| a', 'a &&', '> ', '((((', 'a b & & c', '"', '${', '$'])
      try {
        parseScript(text);
      } catch (error) {
        expect((error as Error).name).toBe('ShellSyntaxError');
      }
  });
});

it('sleeps in virtual time only', () => {
  const before = machine.kernel.clock.now;
  const started = performance.now();
  expect(sh('sleep 1d').exit).toBe(0);
  expect(machine.kernel.clock.now - before).toBeGreaterThanOrEqual(86400e9);
  expect(performance.now() - started).toBeLessThan(5000);
});
