import { beforeAll, describe, expect, it } from 'vitest';
import { LOGLEVEL_INFO, LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { MemoryFiles } from '../../../kmod/index.js';
import { loadBundled } from '../../../target/node/index.js';
import { CapturedOutput } from '../../terminal.js';
import { Machine } from '../machine.js';
import { Shell } from '../shell/shell.js';

let machine: Machine;

beforeAll(() => {
  machine = Machine.boot({
    target: loadBundled(),
    files: new MemoryFiles([
      ['/t/words', 'beta 2\nalpha 10\nbeta 2\ngamma 1\n'],
      ['/t/d/e/file', 'content\n'],
    ]),
  });
});

function sh(text: string): { exit: number; out: string; err: string } {
  const output = new CapturedOutput();
  const { exit } = new Shell(machine, output).run(text);
  return { exit, out: output.stdout, err: output.stderr };
}

describe('commands on text', () => {
  it.each([
    ['printf "%s-%03d|%-4s|%x\\n" a 7 b 255 c', 'a-007|b   |ff\nc-000|    |0\n'],
    ['printf "%5.2s|%c|%%|%b\\n" abc xyz "a\\tb"', '   ab|x|%|a\tb\n'],
    ['seq 3; seq 2 -1 0; seq -s, 1 0.5 2; seq -w 9 10', '1\n2\n3\n2\n1\n0\n1.0,1.5,2.0\n09\n10\n'],
    [
      'basename /a/b.txt .txt; basename /a/b/; basename /; dirname /a/b; dirname a; dirname /a',
      'b\nb\n/\n/a\n.\n/\n',
    ],
    [
      'printf abc | md5sum; printf abc | sha1sum',
      '900150983cd24fb0d6963f7d28e17f72  -\na9993e364706816aba3e25717850c26c9cd0d89d  -\n',
    ],
    ['seq 9 | grep -A1 -n "[26]"; seq 3 | grep -B1 3', '2:2\n3-3\n--\n6:6\n7-7\n2\n3\n'],
    [
      'mkdir /r; echo x > /r/f; ln -s r /l; ln -s l/f /m; readlink -f /m; readlink -f /r/../l/none',
      '/r/f\n/r/none\n',
    ],
    ['sort /t/words', 'alpha 10\nbeta 2\nbeta 2\ngamma 1\n'],
    ['sort -nrk2 /t/words | uniq -c | head -n 2', '      1 alpha 10\n      2 beta 2\n'],
    ['sort -u /t/words | wc -l', '3\n'],
    ['cut -d" " -f2 /t/words | head -n 2; echo abcdef | cut -c2-3,5-', '2\n10\nbcef\n'],
    ['echo hello | tr a-y b-z; echo aabbc | tr -s a-c; echo a1b2 | tr -d "[:digit:]"', 'ifmmp\nabc\nab\n'],
    ['echo abc | tr -c b x', 'xbxx'],
    ['grep -o "[0-9]\\+" /t/words', '2\n10\n2\n1\n'],
    ['grep -E "^(alpha|gamma) 1" /t/words', 'alpha 10\ngamma 1\n'],
    ['echo "a.b" | grep "a\\.b"; echo "a+b" | grep "a+b"; echo "x]y" | grep "[]]"', 'a.b\na+b\nx]y\n'],
    ['sed -n "2p;\\$p" /t/words', 'alpha 10\ngamma 1\n'],
    ['echo aXbX | sed "s/X/-/2"; echo path/a | sed "s,/,:,g;s/\\(a\\)$/<\\1&>/"', 'aXb-\npath:<aa>\n'],
    ['sed -e "/alpha/d" -e "1,2s/beta/B/" /t/words', 'B 2\nbeta 2\ngamma 1\n'],
    ['echo b | sed "i a" ; echo abc | sed y/abc/xyz/; seq 5 | sed "2,3!d"', 'a\nb\nxyz\n2\n3\n'],
    ['echo x | tee /t/copy; cat /t/copy', 'x\nx\n'],
    ['seq 5 | tail -n +4; seq 5 | head -n -3; seq 3 | tail -1', '4\n5\n1\n2\n3\n'],
    [
      'printf "AB\\n" | hexdump -C',
      '00000000  41 42 0a                                          |AB.|\n00000003\n',
    ],
    ['head -c 64 /dev/zero | hexdump', '0000000 0000 0000 0000 0000 0000 0000 0000 0000\n*\n0000040\n'],
    ['hexdump -n 2 /dev/zero', '0000000 0000\n0000002\n'],
  ])('%s', (script, out) => {
    expect(sh(script)).toEqual({ exit: 0, out, err: '' });
  });

  it('take no more time for a hostile pattern', () => {
    const started = performance.now();
    expect(sh(`echo ${'a'.repeat(5000)} | grep -E '(a+)+b'`).exit).toBe(1);
    expect(sh(`echo ${'a'.repeat(5000)} | sed "s/\\(a*\\)*b/x/" | wc -c`).out).toBe('5001\n');
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('say what they cannot do', () => {
    expect(sh('echo aa | grep "\\(a\\)\\1"')).toMatchObject({ exit: 2 });
    expect(sh('grep "[" /t/words').err).toContain("bad pattern '['");
    expect(sh('sed Z /t/words').err).toContain('unknown command');
    expect(sh('sys').err).toContain('usage: sys');
    expect(sh('printf "%d" x')).toMatchObject({ exit: 1, out: '0' });
  });
});

describe('commands on files', () => {
  it('copy, move, make and change them', () => {
    expect(sh('cp /t/words /t/w2; cmp=$(cat /t/w2 | wc -l); echo $cmp; mv /t/w2 /t/d; ls /t/d').out).toBe(
      '4\ne\nw2\n',
    );
    expect(sh('cp /t/d /t/x')).toMatchObject({ exit: 1, err: "cp: can't copy '/t/d': Is a directory\n" });
    expect(sh('cp -r /t/d /t/x; find /t/x -type f')).toMatchObject({
      exit: 0,
      out: '/t/x/e/file\n/t/x/w2\n',
    });
    expect(sh('cp -r /t/x /t/x/y')).toMatchObject({ exit: 1 });
    expect(sh('touch /t/new; chmod u+x,go= /t/new; ls -l /t/new').out).toMatch(/^-rwx------ /);
    expect(sh('chmod 0640 /t/new; ls -l /t/new').out).toMatch(/^-rw-r----- /);
    expect(sh('chmod z /t/new').exit).toBe(2);
  });

  it('list and find them', () => {
    expect(sh('cd /t; ls -R d').out).toBe('d:\ne\nw2\n\nd/e:\nfile\n');
    expect(sh('find /t/d -name "f*"; find /t -maxdepth 1 -type d ! -name x').out).toBe(
      '/t/d/e/file\n/t\n/t/d\n',
    );
    expect(sh('find /none')).toMatchObject({ exit: 1 });
  });

  it('copy blocks', () => {
    expect(sh('dd if=/dev/zero of=/t/z bs=1k count=2; wc -c /t/z')).toMatchObject({
      out: '2048 /t/z\n',
      err: '2+0 records in\n2+0 records out\n',
    });
    expect(sh('printf abcdef | dd bs=2 count=1 2>/dev/null').out).toBe('ab');
    expect(sh('printf abc | dd bs=2 conv=sync | wc -c')).toMatchObject({
      out: '4\n',
      err: '1+1 records in\n2+0 records out\n',
    });
    expect(sh('dd bs=99G').exit).toBe(2);
    expect(sh('dd conv=swab').exit).toBe(2);
  });
});

describe('commands on the machine', () => {
  it('tell the time, who one is, and which devices there are', () => {
    expect(sh('date +%Y-%m-%d').out).toMatch(/^\d{4}-\d\d-\d\d\n$/);
    expect(sh('id').out).toBe('uid=0(root) gid=0(root)\n');
    expect(sh('ip link').out).toContain('lo: <LOOPBACK');
    expect(sh('ip link show none').exit).toBe(1);
  });

  it('show the log by level, and with names', () => {
    machine.kernel.log.line('modbox test: a warning', LOGLEVEL_WARNING);
    machine.kernel.log.line('modbox test: all is well', LOGLEVEL_INFO);
    expect(sh('dmesg -t -l warn').out).toBe('modbox test: a warning\n');
    expect(sh('dmesg -tx | grep test').out).toBe(
      'kern  :warn  : modbox test: a warning\nkern  :info  : modbox test: all is well\n',
    );
    expect(sh('dmesg -H | tail -n 1').out).toMatch(/^\[ +\+\d\.\d{6}\] modbox test/);
    expect(sh('dmesg -l loud').exit).toBe(2);
  });

  it('are all known to help', () => {
    expect(sh('help sed').out).toMatch(/^usage: sed /);
    expect(sh('help').out).toContain('hexdump');
    expect(sh('help nothing').exit).toBe(1);
  });
});
