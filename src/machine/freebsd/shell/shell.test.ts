import { describe, expect, it } from 'vitest';
import { bootWith } from '../testing/own-klds.js';

const machine = bootWith(['hello.ko', 'echodev.ko', 'leakcdev.ko', 'panics.ko', 'missing.ko']);
const out = (line: string): string => machine.exec(line).stdout;

describe('the shell of a FreeBSD machine', () => {
  it('runs the programs for klds, with their status', () => {
    expect(machine.exec('kldload -v hello')).toMatchObject({ exit: 0, stdout: 'Loaded hello, id=2\n' });
    expect(out('kldstat')).toMatch(/ 2 {4}1 0xffffffff8\w+ +\w+ hello\.ko\n$/);
    expect(machine.exec('kldload hello')).toMatchObject({
      exit: 1,
      stderr: "kldload: can't load hello: module already loaded or in kernel\n",
    });
    expect(out('kldunload hello; echo $?; kldstat | wc -l')).toBe('0\n2\n');
  });

  it('takes paths from where the user is', () => {
    expect(out('cd /boot/modules && kldload ./hello.ko && kldstat -n hello.ko | tail -1')).toMatch(
      /hello\.ko\n$/,
    );
    expect(machine.exec('kldunload hello; cd /none')).toMatchObject({
      exit: 1,
      stderr: "sh: cd: can't cd to /none: No such file or directory\n",
    });
  });

  it('reads and writes files and devices', () => {
    expect(out('mkdir -p /tmp/a; echo one > /tmp/a/x; echo two >> /tmp/a/x; cat /tmp/a/x; ls /tmp/a')).toBe(
      'one\ntwo\nx\n',
    );
    expect(out('cat < /tmp/a/x | grep -n two; test -d /tmp/a && [ ! -e /tmp/b ]; echo $?')).toBe(
      '2:two\n0\n',
    );
    expect(machine.exec('cat /tmp/b')).toMatchObject({
      exit: 1,
      stderr: "cat: can't open '/tmp/b': No such file or directory\n",
    });
    expect(out('dd if=/tmp/a/x bs=4 skip=1 2>&1; wc -c < /tmp/a/x')).toBe(
      'two\n1+0 records in\n1+0 records out\n8\n',
    );
    expect(out('kldload leakcdev; ls -l /dev/*leak*; kldunload leakcdev')).toMatch(
      /^crw-r?w?-.* \/dev\/\w+\n$/,
    );
    expect(out('rm /tmp/a/x; ls /tmp/a')).toBe('');
  });

  it('has the words of a shell', () => {
    expect(out('for i in 1 2; do f() { echo "$1-$i"; }; f a; done; echo $((6 * 7)) $(uname -K)')).toBe(
      'a-1\na-2\n42 1402000\n',
    );
    expect(machine.exec('nothing')).toMatchObject({ exit: 127, stderr: 'sh: nothing: not found\n' });
    expect(machine.exec('if')).toMatchObject({ exit: 2 });
    expect(out('help kldxref')).toContain('usage: kldxref');
  });

  it('tells which kernel it is', () => {
    const version = 'FreeBSD 14.2-RELEASE releng/14.2-n269506-c8918d6c7412 GENERIC';
    expect(out('uname; uname -r; uname -a')).toBe(
      `FreeBSD\n14.2-RELEASE\nFreeBSD modbox 14.2-RELEASE ${version} amd64\n`,
    );
  });

  it('prints messages of the kernel, and forgets them', () => {
    machine.exec('kldload missing');
    expect(out('dmesg | grep undefined')).toBe('link_elf_obj: symbol modbox_missing_function undefined\n');
    expect(out('dmesg -c > /dev/null; dmesg')).toBe('');
  });

  it('lists processes and the threads of the kernel', () => {
    expect(out('ps')).toMatch(/\n {4}0 \d+ \[kernel\/.*\n +\d+ \d+ ps\n$/s);
  });

  it("has the kernel's environment and sysctls", () => {
    expect(
      out(
        'kenv a.b=1 && kenv a.b; sysctl kern.module_path; kldconfig -m /x; sysctl -n kern.module_path; sysctl -n kern.osreldate',
      ),
    ).toBe(
      'a.b="1"\n1\nkern.module_path: /boot/kernel;/boot/modules\n/boot/kernel;/boot/modules;/x\n1402000\n',
    );
  });

  it("writes linker.hints into the machine's own tree", () => {
    expect(machine.exec('kldxref /boot/modules')).toMatchObject({ exit: 0, stderr: '' });
    expect(out('kldxref -d /boot/modules')).toContain('hello.ko');
    expect(machine.fs.readFile('/boot/modules/linker.hints').length).toBeGreaterThan(100);
  });

  it('ends with the kernel', () => {
    const own = bootWith(['panics.ko']);
    expect(own.exec('kldload panics; echo never')).toMatchObject({
      exit: 137,
      stdout: '',
      stderr: 'Killed\n',
    });
    expect(own.panicked).toBe('panics: 42');
    expect(own.exec('echo never')).toMatchObject({ exit: 137, stdout: '' });
  });
});
