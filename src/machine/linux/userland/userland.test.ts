import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../../kmod/index.js';
import { loadBundled } from '../../../target/node/index.js';
import { CapturedOutput } from '../../terminal.js';
import { Machine } from '../machine.js';
import { Shell } from '../shell/shell.js';

const MODULES = fileURLToPath(new URL('../../../../tests/modules/', import.meta.url));
const module = (name: string): Uint8Array => readFileSync(`${MODULES}${name}.ko`);
const DIR = '/lib/modules/6.1.0-53-amd64';
const NAMES = ['hello', 'importer', 'exporter', 'faulty_keeps_reference', 'params'];

function boot(files: readonly (readonly [string, string | Uint8Array])[] = [], cmdline = ''): Machine {
  const tree = NAMES.map((name) => [`${DIR}/extra/${name}.ko`, module(name)] as const);
  return Machine.boot({ target: loadBundled(), files: new MemoryFiles([...tree, ...files]), cmdline });
}

function run(machine: Machine, command: string): { exit: number; hangs: boolean; out: string; err: string } {
  const output = new CapturedOutput();
  const { exit, hangs } = new Shell(machine, output).run(command);
  return { exit, hangs, out: output.stdout, err: output.stderr };
}

const log = (machine: Machine): string =>
  machine
    .dmesg()
    .map(({ text }) => text)
    .join('\n');

describe("kmod's tools in a machine", () => {
  it('show what they would do, and do it', () => {
    const machine = boot();
    const steps = `insmod ${DIR}/extra/exporter.ko \ninsmod ${DIR}/extra/importer.ko \n`;
    expect(run(machine, 'modprobe -n -v importer')).toMatchObject({ exit: 0, out: steps, err: '' });
    expect(run(machine, 'modprobe -v importer')).toMatchObject({ exit: 0, out: steps, err: '' });
    expect(run(machine, 'lsmod').out).toBe(
      'Module                  Size  Used by\nimporter               16384  0\nexporter               16384  1 importer\n',
    );
    expect(JSON.parse(run(machine, 'lsmod --json').out)).toMatchObject([
      { name: 'importer', refcount: 0, usedBy: [] },
      { name: 'exporter', refcount: 1, usedBy: ['importer'] },
    ]);
    expect(run(machine, 'modprobe -r exporter')).toMatchObject({
      exit: 1,
      err: 'modprobe: FATAL: Module exporter is in use.\n',
    });
    // The holder takes it along, and then it is gone: on the real kernel kmod fails like this, too.
    const holders = run(machine, 'modprobe -r -v --remove-holders exporter');
    expect(holders).toMatchObject({ exit: 1, out: 'rmmod importer\nrmmod exporter\nrmmod exporter\n' });
    expect(holders.err).toMatch(/^modprobe: ERROR: could not remove 'exporter': No such file or directory\n/);
    expect(machine.lsmod()).toEqual([]);
  });

  it('see what the user wrote to modprobe.d, and what the boot parameters say', () => {
    const machine = boot([], 'params.an_int=3 hello.whom="the command line"');
    run(machine, 'mkdir /etc; mkdir /etc/modprobe.d; echo options hello count=7 > /etc/modprobe.d/mine.conf');
    expect(run(machine, 'modprobe -D hello').out).toBe(
      `insmod ${DIR}/extra/hello.ko count=7 whom="the command line" \n`,
    );
    expect(run(machine, 'modprobe hello; cat /sys/module/hello/parameters/count').out).toBe('7\n');
    expect(log(machine)).toContain('hello: Hello, the command line.');
  });

  it('insert files that the user made', () => {
    const machine = boot([['/home/mine.ko', module('hello')]]);
    expect(run(machine, 'cd /home; insmod ./mine.ko whom=user; rmmod hello')).toMatchObject({
      exit: 0,
      err: '',
    });
    expect(log(machine)).toContain('hello: Hello, user.');
    expect(run(machine, 'insmod nothing.ko').err).toBe(
      'insmod: ERROR: could not load module nothing.ko: No such file or directory\n',
    );
  });

  it('run the commands of modprobe.d in the shell', () => {
    const machine = boot([
      [
        '/etc/modprobe.d/commands.conf',
        'install hello echo for $MODPROBE_MODULE; /sbin/modprobe --ignore-install hello $CMDLINE_OPTS\nremove hello rmmod hello; echo gone\n',
      ],
    ]);
    expect(run(machine, 'modprobe hello whom=shell')).toMatchObject({ exit: 0, out: 'for hello\n', err: '' });
    expect(log(machine)).toContain('hello: Hello, shell.');
    expect(run(machine, 'modprobe -r hello')).toMatchObject({ exit: 0, out: 'gone\n' });
    expect(machine.lsmod()).toEqual([]);
  });

  it('say why, behind what kmod says', () => {
    const machine = boot();
    expect(run(machine, 'modprobe hello nonsense=1; modprobe --first-time hello').err).toBe(
      "modprobe: ERROR: could not insert 'hello': Module already in kernel\n",
    );
    const { err } = run(machine, 'modprobe params an_int=x');
    expect(err).toMatch(/^modprobe: ERROR: could not insert 'params': Invalid argument\nmodbox: .+\n$/);
  });
});

describe('waiting for a module to be unused', () => {
  const held = (): Machine => {
    const machine = boot();
    run(machine, 'modprobe faulty_keeps_reference');
    return machine;
  };

  it('takes modprobe -r -w as long as it was told', () => {
    const machine = held();
    const before = machine.kernel.clock.now;
    const { exit, err } = run(machine, 'modprobe -r -w 300 faulty_keeps_reference');
    expect(exit).toBe(1);
    expect(err).toMatch(
      /^modprobe: ERROR: could not remove 'faulty_keeps_reference': Resource temporarily unavail/,
    );
    const milliseconds = (machine.kernel.clock.now - before) / 1e6;
    expect(milliseconds).toBeGreaterThanOrEqual(300);
    expect(milliseconds).toBeLessThan(400);
  });

  it('ends as soon as it is', () => {
    const machine = boot();
    run(machine, 'modprobe importer');
    const script = 'sh -c "sleep 1; rmmod importer" & rmmod -w exporter; lsmod';
    expect(run(machine, script)).toMatchObject({
      exit: 0,
      out: 'Module                  Size  Used by\n',
      err: '',
    });
  });

  it('takes rmmod -w for ever otherwise', () => {
    expect(run(held(), 'rmmod -w faulty_keeps_reference').hangs).toBe(true);
  });
});
