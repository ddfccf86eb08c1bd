import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../index.js';
import { runTool } from '../testing/captured-host.js';
import { kmod } from './kmod.js';

const DEVNAME = '/lib/modules/test/modules.devname';
const run = (files: readonly (readonly [string, string])[], ...args: string[]) =>
  runTool(kmod, new MemoryFiles(files), args, { release: 'test' });

describe('kmod', () => {
  it('without a command, or with one it does not know, says how it is used', () => {
    const usage = expect.stringMatching(/^kmod - Manage kernel modules: list, load, unload, etc\nUsage:\n/);
    expect(run([])).toEqual({ exit: 1, stdout: usage, stderr: 'missing command\n' });
    expect(run([], 'nope')).toEqual({ exit: 1, stdout: usage, stderr: "invalid command 'nope'\n" });
    expect(run([], '--nope')).toEqual({
      exit: 1,
      stdout: '',
      stderr: "kmod: unrecognized option '--nope'\n",
    });
    expect(run([], 'help')).toEqual({ exit: 0, stdout: usage, stderr: '' });
    expect(run([], '-h')).toEqual({ exit: 0, stdout: usage, stderr: '' });
  });

  it('lists loaded modules', () => {
    const files = [['/proc/modules', 'hello 16384 0 - Live 0x0000000000000000 (OE)\n']] as const;
    expect(run(files, 'list').stdout).toBe(
      'Module                  Size  Used by\nhello                  16384  0\n',
    );
  });
});

describe('kmod static-nodes', () => {
  const text =
    '# Device nodes to trigger on-demand module loading.\nfuse fuse c10:229\nloop mapper/control b10:236\n';

  it('has three formats', () => {
    const of = (...args: string[]): string => run([[DEVNAME, text]], 'static-nodes', ...args).stdout;
    expect(of('-f', 'devname')).toBe('fuse fuse c10:229\nloop mapper/control b10:236\n');
    expect(of('--format=tmpfiles')).toBe(
      'c! /dev/fuse 0600 - - - 10:229\nd /dev/mapper 0755 - - -\nb! /dev/mapper/control 0600 - - - 10:236\n',
    );
    expect(of()).toBe(
      'Module: fuse\n\tDevice node: /dev/fuse\n\t\tType: character device\n\t\tMajor: 10\n\t\tMinor: 229\n' +
        'Module: loop\n\tDevice node: /dev/mapper/control\n\t\tType: block device\n\t\tMajor: 10\n\t\tMinor: 236\n',
    );
  });

  it('ignores that there is no such file, and not that a line is wrong', () => {
    expect(run([], 'static-nodes')).toEqual({
      exit: 0,
      stdout: '',
      stderr: `Warning: ${DEVNAME} not found - ignoring\n`,
    });
    expect(
      run([[DEVNAME, 'fuse fuse x10:229\nfuse fuse c10:229\n']], 'static-nodes', '-f', 'devname'),
    ).toEqual({
      exit: 1,
      stdout: 'fuse fuse c10:229\n',
      stderr: 'Error: invalid devname entry: fuse fuse x10:229\n',
    });
    expect(run([], 'static-nodes', '-f', 'xml')).toMatchObject({
      exit: 1,
      stderr: "Unknown format: 'xml'.\n",
    });
  });

  it('says where it may not write', () => {
    expect(run([[DEVNAME, text]], 'static-nodes', '-o', '/run/x/nodes')).toMatchObject({
      exit: 1,
      stdout: '',
      stderr: 'Error: could not create parent directory for /run/x/nodes - Read-only file system.\n',
    });
  });
});
