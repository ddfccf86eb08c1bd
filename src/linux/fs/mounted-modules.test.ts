import { beforeAll, describe, expect, it } from 'vitest';
import { DiskFiles } from '../../kmod/node/disk-files.js';
import { Machine } from '../../machine/linux/machine.js';
import { Shell } from '../../machine/linux/shell/shell.js';
import { CapturedOutput } from '../../machine/terminal.js';
import { loadBundled } from '../../target/node/index.js';
import { corpusTree } from '../../testing/corpus.js';

describe('files and file systems that Debian’s modules bring', () => {
  let root: string | undefined;

  beforeAll(async () => {
    root = await corpusTree();
  });

  /** What a line of the shell prints, and the machine it ran on. */
  function shell(command: string): { readonly text: string; readonly machine: Machine } {
    const machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root ?? '') });
    const output = new CapturedOutput();
    new Shell(machine, output).run(command);
    return { text: output.stdout + output.stderr, machine };
  }

  it('a /proc file finds the data that it was made with', ({ skip }) => {
    if (root === undefined) return skip('needs the kernel package');
    const matches = shell('modprobe -a ip_tables xt_tcpudp xt_mark; cat /proc/net/ip_tables_matches').text;
    expect(matches.trim().split('\n')).toEqual(['mark', 'udplite', 'udp', 'tcp', 'icmp']);
    expect(shell('modprobe snd; cat /proc/asound/cards').text).toBe('--- no soundcards ---\n');
  });

  it('nfsd mounts where /proc has a place for it, and counts what it holds', ({ skip }) => {
    if (root === undefined) return skip('needs the kernel package');
    const { text, machine } = shell('modprobe nfsd; mount -t nfsd n /proc/fs/nfsd; ls /proc/fs/nfsd');
    expect(text.split('\n')).toEqual(expect.arrayContaining(['clients', 'exports', 'threads']));
    expect(machine.kernel.traps.reports).toEqual([]);
  });

  it('options reach file systems as one text or one by one, and those nobody knows are refused', ({
    skip,
  }) => {
    if (root === undefined) return skip('needs the kernel package');
    const { machine } = shell(
      'mkdir /m; modprobe -a overlay binfmt_misc configfs; mount -t overlay -o foo=2 o /m;' +
        'mount -t binfmt_misc -o bar=3 b /m; mount -t configfs -o foo c /m; mount -t configfs -o ro c /m; cat /proc/mounts',
    );
    expect(machine.dmesg().map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'overlayfs: unrecognized mount option "foo=2" or missing value',
        "binfmt_misc: Unknown parameter 'bar'",
        "configfs: Unknown parameter 'foo'",
      ]),
    );
    expect(machine.kernel.traps.reports).toEqual([]);
  });

  it('what a walk found is there until the call is over, where a file system keeps nothing that is not in use', ({
    skip,
  }) => {
    if (root === undefined) return skip('needs the kernel package');
    const { text, machine } = shell(
      'modprobe netconsole; mount -t configfs c /sys/kernel/config; cd /sys/kernel/config/netconsole; mkdir t1; ls t1 | head -2;' +
        'cat t1/dev_name t1/enabled t1/dev_name; echo eth7 > t1/dev_name; cat t1/dev_name; rmdir t1; ls; cat t1/dev_name;' +
        'cd /; umount /sys/kernel/config; rmmod netconsole; rmmod configfs; cat /proc/modules',
    );
    expect(text).toBe(
      "dev_name\nenabled\neth0\n0\neth0\neth7\ncat: can't open 't1/dev_name': No such file or directory\n",
    );
    expect(machine.kernel.traps.reports).toEqual([]);
  });
});
