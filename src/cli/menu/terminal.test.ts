import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../commands/shell.js';
import { runCommand } from '../testing/command.js';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const python = spawnSync('python3', ['-c', 'import pty']).status === 0;

/** Runs a command on a pseudo terminal; types each key when what it waits for has come. */
const ON_A_TERMINAL = `
import json, os, pty, select, sys
command, steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
pid, fd = pty.fork()
if pid == 0: os.execvp(command[0], command)
seen = b''; at = 0
while True:
    if not select.select([fd], [], [], 60)[0]: break
    try: data = os.read(fd, 65536)
    except OSError: break
    if not data: break
    seen += data
    while at < len(steps) and steps[at][0].encode() in seen:
        seen = seen[seen.index(steps[at][0].encode()) + len(steps[at][0].encode()):]
        os.write(fd, steps[at][1].encode()); at += 1
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps({'status': status, 'typed': at, 'rest': seen.decode('utf8', 'replace')}))
`;

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'modbox-menu-'));
  const extra = join(root, 'lib/modules/6.1.0-53-amd64/extra');
  mkdirSync(extra, { recursive: true });
  mkdirSync(join(root, 'etc/modules-load.d'), { recursive: true });
  for (const name of ['hello', 'faulty_null_read']) cpSync(`${MODULES}${name}.ko`, join(extra, `${name}.ko`));
  writeFileSync(join(root, 'etc/modules-load.d/boot.conf'), 'faulty_null_read\nhello\n');
});

afterAll(() => rmSync(root, { recursive: true }));

function onTerminal(
  args: readonly string[],
  steps: readonly (readonly [waitFor: string, keys: string])[],
): { status: number; typed: number; rest: string } {
  const command = [process.execPath, '--import', 'tsx', MAIN, ...args];
  const env = { ...process.env, XDG_CACHE_HOME: root };
  const { stdout } = spawnSync(
    'python3',
    ['-c', ON_A_TERMINAL, JSON.stringify(command), JSON.stringify(steps)],
    { encoding: 'utf8', env },
  );
  return JSON.parse(stdout);
}

describe('modbox shell --menu', () => {
  it('needs a terminal', async () => {
    const isTerminal = process.stdin.isTTY;
    process.stdin.isTTY = false;
    try {
      expect(await runCommand(main, ['--menu', '-c', 'true'])).toEqual({
        status: 2,
        out: '',
        err: 'modbox: shell: --menu needs a terminal\nTry --help.\n',
      });
    } finally {
      process.stdin.isTTY = isTerminal;
    }
  });

  it.skipIf(!python)('boots around a module that oopses at boot', () => {
    const args = ['shell', '--root', root, '--menu', '-c', 'cat /proc/cmdline; lsmod | tail -n 1'];
    const end = onTerminal(args, [
      ['leaves.', '\r'],
      ['A fault in the module faulty_null_read', ''],
      ['leaves.', 'e'],
      ['Kernel command line:', 'module_blacklist=faulty_null_read\r'],
    ]);
    expect(end).toMatchObject({ status: 0, typed: 4 });
    expect(end.rest).toContain('module_blacklist=faulty_null_read\r\nhello ');
  });

  it.skipIf(!python)('gives the prompt to who goes on with the machine, and leaves with Esc', () => {
    const args = ['shell', '--root', root, '--menu'];
    const steps = [
      ['leaves.', '2\x1b[A\r'],
      ['c goes on', 'c'],
      ['modbox# ', 'dmesg | grep -c Oops; exit 3\n'],
    ] as const;
    expect(onTerminal(args, steps)).toMatchObject({ status: 3, typed: 3 });
    expect(onTerminal(args, [['leaves.', '\x1b']])).toMatchObject({ status: 0, typed: 1 });
  });
});
