import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../../kmod/index.js';
import { loadBundled } from '../../../target/node/index.js';
import { parseScript } from '../../shell/parser.js';
import { CapturedOutput } from '../../terminal.js';
import { Machine } from '../machine.js';
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

describe('white space that is none to a shell', () => {
  it.each(['\v', '\f', '\u00a0', '\u2028', '\ufeff'])('%j is a part of a word', (space) => {
    expect(sh(`echo a${space}b`)).toEqual({ exit: 0, out: `a${space}b\n`, err: '' });
    expect(sh(`${space}`).exit).toBe(127);
  });
});

describe('descriptors', () => {
  it.each([
    ['exec 3< /etc/motd; read a <&3; read b <&3; echo $b $a; exec 3<&-', 'two one\n'],
    ['exec 3> /tmp/d3; echo x >&3; echo y >&3; exec 3>&-; cat /tmp/d3', 'x\ny\n'],
    ['cat /none 2>&1 >/dev/null | wc -l', '1\n'],
    ['exec 3>&1 > /tmp/dall; echo in; echo out >&3; exec >&3 3>&-; cat /tmp/dall', 'out\nin\n'],
    ['{ echo a; echo b >&4; } 4> /tmp/d4; cat /tmp/d4', 'a\nb\n'],
    ['(exec > /tmp/d5; echo sub); echo main; cat /tmp/d5', 'main\nsub\n'],
    ['f() { echo err >&2; }; f 2>&1 | tr e E', 'Err\n'],
    ['exec 5<&0; cat <&5', ''],
    ['while read -r l <&6; do echo "<$l>"; done 6< /etc/motd', '<one>\n<two>\n<three>\n'],
  ])('%s', (script, out) => {
    expect(sh(script)).toEqual({ exit: 0, out, err: '' });
  });

  it('that are not there are told of', () => {
    expect(sh('echo x >&7').err).toBe('sh: 7: bad descriptor\n');
    expect(sh('exec 3> /tmp/d8; exec 3>&-; echo x >&3').err).toBe('sh: 3: bad descriptor\n');
  });
});

describe('trap', () => {
  it.each([
    ["trap 'echo bye $?' EXIT; false; exit 3", 'bye 3\n', 3],
    ["(trap 'echo sub' EXIT; echo in); echo out", 'in\nsub\nout\n', 0],
    ["trap 'echo no' EXIT; trap - EXIT; exit 1", '', 1],
    ["trap 'exit 5' EXIT; exit 1", '', 5],
    ['sh -c \'trap "echo done" 0; exit 2\'; echo $?', 'done\n2\n', 0],
  ])('%s', (script, out, exit) => {
    expect(sh(script)).toEqual({ exit, out, err: '' });
  });

  it('says what it does not do', () => {
    expect(sh("trap 'echo x' INT").err).toBe('sh: trap: INT: only EXIT is implemented\n');
  });
});

describe('what never ends', () => {
  it('ends with the bound that it met', () => {
    const { exit, err } = sh('x=$(cat /dev/zero); echo never');
    expect(err).toBe('sh: a command substitution gave more than 16 MiB\n');
    expect(exit).toBe(2);
    expect(sh('sort /dev/zero').err).toContain('Cannot allocate memory');
    expect(sh('echo still here').out).toBe('still here\n');
  });
});

describe("sed's hold space", () => {
  it.each([
    ["sed -n '1!G;h;$p' /etc/motd", 'three\ntwo\none\n'],
    ["sed 'x;1d' /etc/motd", 'one\ntwo\n'],
    ["sed -n 'H;${x;p' /etc/motd", ''],
    ["sed -n 'H;$g;$p' /etc/motd", '\none\ntwo\nthree\n'],
    ['sed G /etc/motd | wc -l', '6\n'],
  ])('%s', (script, out) => {
    expect(sh(script).out).toBe(out);
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

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: it is the shell's
describe('the language', () => {
  it.each([
    ['echo $(echo a; echo b) "$(printf "x\\n\\n")"', 'a b x\n', 0],
    ['echo `echo back` "`echo \\`echo deep\\``"', 'back deep\n', 0],
    ['echo $(case x in x) echo y;; esac)', 'y\n', 0],
    ['x=$(false); echo $?', '1\n', 0],
    ['for i in 1 2 3; do echo $i; done', '1\n2\n3\n', 0],
    ['for i in a "b c"\ndo\n  [ $i = a ] && continue\n  echo "$i"; break\ndone', 'b c\n', 0],
    ['i=0; while [ $i -lt 3 ]; do i=$((i + 1)); echo $i; done', '1\n2\n3\n', 0],
    ['i=3; until [ $i -eq 0 ]; do i=$((i-1)); done; echo $i', '0\n', 0],
    ['for a in 1 2; do for b in 1 2; do break 2; done; done; echo $a$b', '11\n', 0],
    ['if false; then echo a; elif true; then echo b; else echo c; fi', 'b\n', 0],
    ['if false; then :; fi; echo $?', '0\n', 0],
    ['case abc in (x|y) echo 1;; a*) echo 2;; *) echo 3; esac', '2\n', 0],
    ['case "*" in "*") echo star;; esac; case b in "*") echo no;; esac', 'star\n', 0],
    ['f() { echo "$1 $# $@"; return 3; }; f a b; echo $?', 'a 2 a b\n3\n', 0],
    ['f() { local v=in; echo $v; }; v=out; f; echo $v', 'in\nout\n', 0],
    ['set -- "a b" c; for x in "$@"; do echo $x; done; shift; echo $1', 'a b\nc\nc\n', 0],
    ['(x=1; cd /etc; exit 2); echo $? ${x:-none}; pwd', '2 none\n/\n', 0],
    ['{ echo a; echo b; } | wc -l', '2\n', 0],
    ['cat <<EOF\na $((1+1)) $(echo c)\n\\$x\nEOF', 'a 2 c\n$x\n', 0],
    ["cat <<'EOF'\n$x `y`\nEOF\necho after", '$x `y`\nafter\n', 0],
    ['cat <<-A; cat <<B\n\tone\n\tA\ntwo\nB', 'one\ntwo\n', 0],
    ['while read a b; do echo "$b $a"; done <<E\n1 2 3\nx\nE', '2 3 1\n x\n', 0],
    ['cat /etc/motd | while read l; do echo -$l; done', '-one\n-two\n-three\n', 0],
    ['set -e; if false; then :; fi; false || true; ! true; false; echo never', '', 1],
    ['(set -e; f() { false; echo in; }; f || echo no)', 'in\n', 0],
    ['export A=1; B=2; sh -c \'echo "$A,$B,$0,$1"\' name arg', '1,,name,arg\n', 0],
    ['X=1 sh -c \'echo $X\'; echo "$X."', '1\n.\n', 0],
    ['unset X; echo ${X-a} ${X:=b} $X ${X:+c} ${#X}', 'a b b c 1\n', 0],
    ['p=/a/b.tar.gz; echo ${p##*/} ${p%.*} ${p%%.*} ${p#/}', 'b.tar.gz /a/b.tar /a/b a/b.tar.gz\n', 0],
    [
      'echo $((2 + 3 * 4 % 5)) $((1 << 4 | 3)) $(((1 > 2) ? 7 : 0x10)) $((-7 / 2)) $((010))',
      '4 19 16 -3 8\n',
      0,
    ],
    ['echo $((x = 5, 1))', '', 2],
    ['n=4; echo $((n *= 2)) $n $((!n)) $((~0))', '8 8 0 -1\n', 0],
    ['cat /none 2>&1 >/dev/null | wc -l', '1\n', 0],
    ['echo a >&2 2>/dev/null; { echo b >&2; } 2>/dev/null', '', 0],
    ['eval "echo a; false"; echo $?', 'a\n1\n', 0],
    ['false | true; echo $?; true | false; echo $?', '0\n1\n', 0],
    ['IFS=:; v=a:b::c; for x in $v; do echo "<$x>"; done', '<a>\n<b>\n<>\n<c>\n', 0],
    ['type cd cat f 2>/dev/null', 'cd is part of the shell\ncat is a command\n', 1],
    ['set -- -n x; echo "$#"; set -u; echo ${y}', '2\n', 2],
  ])('%s', (script, out, exit) => {
    expect(sh(script)).toMatchObject({ exit, out });
  });
});

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: it is the shell's
describe('pipes', () => {
  it.each([
    ['cat /dev/zero | head -c 5 | wc -c', '5\n'],
    ['while :; do echo y; done | head -n 2', 'y\ny\n'],
    ['cat /dev/zero | true; echo $?', '0\n'],
    ['head -c 200000 /dev/zero | cat | wc -c', '200000\n'],
  ])('end who writes to nobody: %s', (script, out) => {
    expect(sh(script)).toEqual({ exit: 0, out, err: '' });
  });
});

describe('an interruption', () => {
  function interrupted(script: string): { exit: number; out: string; err: string; after: string } {
    let asked = 0;
    const own = Machine.boot({
      target: loadBundled(),
      interrupt: () => (++asked === 3 ? 'interrupted' : undefined),
    });
    const output = new CapturedOutput();
    const shell = new Shell(own, output);
    const { exit } = shell.run(script);
    const out = output.stdout;
    asked = 100;
    shell.run('echo after');
    return { exit, out, err: output.stderr, after: output.stdout.slice(out.length) };
  }

  it.each([
    'cat /dev/zero > /dev/null; echo never',
    'while true; do :; done; echo never',
    'while :; do :; done || echo never',
    'cat /dev/zero | cat > /dev/null && echo never',
    '(while :; do cat /etc/none 2>/dev/null; done); echo never',
    'f() { f2; }; f2() { while :; do :; done; }; f; echo never',
    'x=$(cat /dev/zero | wc -c); echo never',
  ])('ends the command, with all that would follow: %s', (script) => {
    expect(interrupted(script)).toEqual({ exit: 130, out: '', err: '', after: 'after\n' });
  });
});

describe('mistakes', () => {
  it.each([
    ['nonsense', 127, 'sh: nonsense: not found\n'],
    ["echo 'open", 2, 'sh: line 1: unterminated quoted string\n'],
    ['echo | ', 2, 'sh: line 1: syntax error: unexpected end of line\n'],
    ['(echo', 2, 'sh: line 1: syntax error: unexpected end of line\n'],
    [
      'echo a\nif true; then\necho b\n',
      2,
      'sh: line 4: syntax error: unexpected end of line (expecting "fi")\n',
    ],
    ['; ; )', 2, 'sh: line 1: syntax error: unexpected ")"\n'],
    [
      'grep',
      2,
      'grep: no pattern\nusage: grep [-civqnxoFEHhwls] [-A N] [-B N] [-C N] [-e PATTERN | PATTERN] [FILE]...\n',
    ],
  ])('%s', (script, exit, err) => {
    expect(sh(script)).toEqual({ exit, out: '', err });
  });

  it('of a script that is run by another are told, and it goes on', () => {
    expect(sh("sh -c '('; echo $?")).toEqual({
      exit: 0,
      out: '2\n',
      err: 'sh: line 1: syntax error: unexpected end of line\n',
    });
    expect(sh('eval "fi"; echo $?')).toMatchObject({ out: '2\n' });
  });

  it("are not the host's: nesting has an end", () => {
    for (const text of ['('.repeat(5000), '$('.repeat(5000), '"${x:-'.repeat(5000), '`'.repeat(501)])
      expect(sh(text).exit).toBe(2);
    expect(sh('f() { f; }; f').exit).toBe(2);
    expect(sh(`echo $((${'('.repeat(5000)}1${')'.repeat(5000)}))`).exit).toBe(2);
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
