import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../machine/run-report.js';
import { runCommand } from '../testing/command.js';
import { main as run } from './run.js';
import { main } from './taint.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-taint-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

const taint = (...args: readonly string[]) => runCommand(main, args);

describe('modbox taint', () => {
  it('explains a mask in words or as JSON', async () => {
    expect(await taint('512')).toEqual({
      status: 0,
      out: 'Tainted: GW (512, 0x200)\n W  bit  9  WARN: the kernel issued a warning\n',
      err: '',
    });
    expect(await taint('G', 'W')).toEqual(await taint('0x200'));
    expect(await taint('Not tainted')).toMatchObject({ status: 0, out: 'Not tainted\n' });
    expect(JSON.parse((await taint('--json', 'OE')).out)).toMatchObject({
      mask: '0x3000',
      letters: 'GOE',
      flags: [{ flag: 'O', bit: 12, name: 'OOT_MODULE', causedBy: null }, { flag: 'E' }],
    });
  });

  it('names who caused each flag, out of a report of modbox run', async () => {
    const module = `${MODULES}faulty_warn.ko`;
    const { out } = await runCommand(run, ['--json', module]);
    const report = JSON.parse(out) as RunReport;
    expect(report.taints.map(({ flag, causedBy }) => [flag, causedBy.module])).toEqual([
      ['W', 'faulty_warn'],
      ['O', 'faulty_warn'],
      ['E', 'faulty_warn'],
    ]);
    const file = join(folder, 'report.json');
    writeFileSync(file, `${out}\n${out}`);
    const told = await taint(file);
    expect(told.out.match(/^faulty_warn: Tainted: GWOE \(12800, 0x3200\)$/gm)).toHaveLength(2);
    expect(told.out).toContain('by module faulty_warn, task modprobe: WARNING: CPU: 0');
    expect(JSON.parse((await taint('--json', file)).out.split('\n')[0])).toMatchObject({
      module: 'faulty_warn',
      flags: [{ flag: 'W', causedBy: { module: 'faulty_warn' } }, {}, {}],
    });
  });

  it('reads the file tree otherwise', async () => {
    mkdirSync(join(folder, 'proc/sys/kernel'), { recursive: true });
    writeFileSync(join(folder, 'proc/sys/kernel/tainted'), '4\n');
    process.env.MODBOX_ROOT = folder;
    try {
      expect((await taint()).out).toMatch(/^Tainted: GS \(4, 0x4\)\n/);
    } finally {
      delete process.env.MODBOX_ROOT;
    }
  });

  it('says what it cannot read', async () => {
    const file = join(folder, 'other.json');
    writeFileSync(file, '{"module": "x"}\n');
    expect(await taint(file)).toMatchObject({
      status: 1,
      err: `modbox: ${file}: line 1: no report of modbox run --json\n`,
    });
    writeFileSync(file, 'x\n');
    expect(await taint(file)).toMatchObject({ status: 1, err: expect.stringContaining('line 1: ') });
    expect(await taint('Z')).toMatchObject({ status: 2, out: '' });
    expect(await taint(join(folder, 'none.json'))).toMatchObject({ status: 1 });
  });
});
