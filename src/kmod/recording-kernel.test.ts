import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryFiles } from '../files/file-source.js';
import { RecordingKernel } from './recording-kernel.js';
import { runTool } from './testing/captured-host.js';
import { lsmod } from './tools/lsmod.js';
import { modprobe } from './tools/modprobe.js';
import { rmmod } from './tools/rmmod.js';

const MODULES = fileURLToPath(new URL('../../tests/modules/', import.meta.url));
const DIR = '/lib/modules/6.1.0-53-amd64';
const module = (name: string): Uint8Array => readFileSync(`${MODULES}${name}.ko`);

let text: string;
beforeEach(() => {
  text = '';
});

function run(
  tool: typeof modprobe,
  args: readonly string[],
  config = '',
): { exit: number; stderr: string; stdout: string } {
  const files = new MemoryFiles([
    [`${DIR}/exporter.ko`, module('exporter')],
    [`${DIR}/importer.ko`, module('importer')],
    ['/etc/modprobe.d/a.conf', config],
    ['/proc/modules', 'old 4096 0 - Live 0x0\n'],
    ['/sys/module/old/initstate', 'live\n'],
    ['/sys/module/old/refcnt', '0\n'],
  ]);
  const record = {
    text: () => text,
    add: (line: string) => {
      text += `${line}\n`;
    },
  };
  return runTool(tool, files, args, { kernel: new RecordingKernel(files, record) });
}

describe('a kernel that answers and records', () => {
  it('notes every call with its arguments, and what it gave', () => {
    expect(run(modprobe, ['importer', 'a=1', 'b=x y'], 'options exporter factor=3\n').exit).toBe(0);
    expect(text.split('\n')).toEqual([
      `finit_module exporter ${DIR}/exporter.ko "factor=3 " 0 = 0`,
      `finit_module importer ${DIR}/importer.ko "a=1 b=\\"x y\\"" 0 = 0`,
      '',
    ]);
  });

  it('knows what was inserted and removed before', () => {
    run(modprobe, ['exporter']);
    run(modprobe, ['importer']);
    expect(text.match(/finit_module exporter/g)).toHaveLength(1);
    expect(run(lsmod, []).stdout).toMatch(/^Module.*\nimporter .*\nexporter .*\nold .*\n$/);
    expect(run(rmmod, ['importer', 'old']).exit).toBe(0);
    expect(text).toContain('delete_module old O_NONBLOCK = 0\n');
    expect(run(lsmod, []).stdout).not.toContain('importer');
    expect(run(rmmod, ['importer']).stderr).toContain('not currently loaded');
  });

  it('answers as it is told to', () => {
    text = 'answer finit_module exporter ENOEXEC\nanswer delete_module old 16\n';
    expect(run(modprobe, ['importer'])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("could not insert 'importer': Exec format error"),
    });
    expect(text).toContain(`finit_module exporter ${DIR}/exporter.ko "" 0 = ENOEXEC\n`);
    expect(run(rmmod, ['old']).stderr).toContain('Device or resource busy');
    text = 'answer finit_module exporter ENOTHING\n';
    expect(() => run(modprobe, ['exporter'])).toThrow(/ENOTHING is no error/);
  });

  it('passes on what is forced', () => {
    run(modprobe, ['--force-vermagic', 'exporter']);
    expect(text).toContain('exporter.ko "" 2 = 0');
  });
});
