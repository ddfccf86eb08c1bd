import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CommandEnd, runCommand } from '../testing/command.js';
import { main } from './tool.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const RELEASE = '6.1.0-53-amd64';

let folder: string;
let record: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-tool-'));
  record = join(folder, 'calls');
  const extra = join(folder, `image/lib/modules/${RELEASE}/extra`);
  mkdirSync(extra, { recursive: true });
  mkdirSync(join(folder, 'image/etc/modprobe.d'), { recursive: true });
  for (const name of ['hello', 'exporter', 'importer'])
    cpSync(join(MODULES, `${name}.ko`), join(extra, `${name}.ko`));
  vi.stubEnv('MODBOX_ROOT', join(folder, 'image'));
  vi.stubEnv('MODBOX_UNAME_R', RELEASE);
  vi.stubEnv('MODBOX_MODULE_CALLS', record);
  vi.stubEnv('MODPROBE', '/somewhere/of/ours/modprobe');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function configured(config: string, ...args: readonly string[]): Promise<CommandEnd> {
  writeFileSync(join(folder, 'image/etc/modprobe.d/a.conf'), config);
  return runCommand((given) => main('modprobe', given), args);
}

const calls = (): string => (existsSync(record) ? readFileSync(record, 'utf8') : '');

describe('install and remove commands under MODBOX_MODULE_CALLS', () => {
  it('are run where they call kmod tools, in order, and with the variables of modprobe', async () => {
    const config =
      'install hello $MODPROBE -q --ignore-install exporter && { $MODPROBE -i "hello" count=2 $CMDLINE_OPTS; }\n';
    expect(await configured(config, 'hello', 'whom=x')).toEqual({ status: 0, out: '', err: '' });
    expect(calls().split('\n')).toEqual([
      expect.stringMatching(/^finit_module exporter .* = 0$/),
      expect.stringMatching(/^finit_module hello .* "count=2 whom=x" 0 = 0$/),
      expect.stringMatching(/^system .* = 0$/),
      '',
    ]);
    await configured('remove hello /sbin/rmmod $MODPROBE_MODULE || /bin/false\n', '-r', 'hello');
    expect(calls()).toContain('delete_module hello O_NONBLOCK = 0\n');
  });

  it('give their status, output and errors', async () => {
    const config = 'install hello echo one; if ! modprobe nothing 2>/dev/null; then modprobe nowhere; fi\n';
    const { status, out, err } = await configured(config, 'hello');
    expect({ status, out }).toEqual({ status: 1, out: 'one\n' });
    expect(err).toContain('modprobe: FATAL: Module nowhere not found');
    expect(err).not.toContain('Module nothing not found');
    expect(err).toContain('Error running install command');
    expect(err).toContain('retcode 1');
  });

  it('of an image never run anything of the host', async () => {
    const trap = join(folder, 'trap');
    const commands = [
      `touch ${trap}`,
      `modprobe hello; touch ${trap}`,
      `modprobe hello > ${trap}`,
      `modprobe $(touch ${trap})`,
      `echo \`touch ${trap}\``,
      `true | touch ${trap}`,
      `{ modprobe hello; } & touch ${trap}`,
      `/bin/sh -c 'touch ${trap}'`,
      `node -e 'require("fs").writeFileSync("${trap}", "")'`,
      `modprobe hello`.replace('modprobe', `${folder}/image/modprobe`),
    ];
    // A file of the image with a tool's name is not run either: modbox's own tool is.
    writeFileSync(join(folder, 'image/modprobe'), `#!/bin/sh\ntouch ${trap}\n`, { mode: 0o755 });
    for (const command of commands)
      expect((await configured(`install exporter ${command}\n`, 'exporter')).status, command).toBe(0);
    expect(existsSync(trap)).toBe(false);
    expect(calls().match(/^system /gm)).toHaveLength(commands.length);
    expect(calls().match(/^finit_module hello /gm)).toHaveLength(1);
  });

  it('are the shell of the host when the record says so', async () => {
    writeFileSync(record, 'answer system run\n');
    const seen = join(folder, 'seen');
    const { status } = await configured(`install hello echo $MODPROBE_MODULE > ${seen}; exit 3\n`, 'hello');
    expect(status).toBe(1);
    expect(readFileSync(seen, 'utf8')).toBe('hello\n');
    expect(calls()).toMatch(/system .* = 3\n/);
  });

  it('are answered as the record says', async () => {
    writeFileSync(record, 'answer system 2\n');
    expect((await configured('install hello modprobe -i hello\n', 'hello')).err).toContain('retcode 2');
    expect(calls()).not.toContain('finit_module');
  });

  it('that call each other for ever come to an end', async () => {
    const { status, err } = await configured('install hello modprobe hello\n', 'hello');
    expect(status).toBe(1);
    expect(err).toContain('modbox: commands of modprobe.d call each other more than 32 deep\n');
  });
});

describe('lsmod under MODBOX_MODULE_CALLS', () => {
  it('has the sizes that modules have in the kernel', async () => {
    await configured('', '-a', 'hello', 'importer');
    const { out } = await runCommand((args) => main('lsmod', args), []);
    // As the real kernel lists them: tests/modules/expected.
    expect(out.replace(/ +/g, ' ')).toMatch(/^Module.*\nimporter \d+ 0\nexporter \d+ 0\nhello 16384 0\n$/);
  });
});
