import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../kmod/index.js';
import { Machine } from '../../machine/linux/machine.js';
import { runModule } from '../../machine/linux/module-run.js';
import { Shell } from '../../machine/linux/shell/shell.js';
import { CapturedOutput } from '../../machine/terminal.js';
import { loadBundled } from '../../target/node/index.js';
import { styleFor } from '../style.js';
import { summaryText } from './text-report.js';

describe('reports beyond the limit', () => {
  it('are counted, and their number is told', () => {
    const machine = Machine.boot({ target: loadBundled(), files: new MemoryFiles() });
    const output = new CapturedOutput();
    const notes: string[] = [];
    const terminal = {
      out: output.out.bind(output),
      err: output.err.bind(output),
      note: (text: string) => void notes.push(text),
    };
    const shell = new Shell(machine, terminal);
    for (let i = 0; i < 1003; i++) machine.kernel.traps.record(undefined, 0, 'warning', 'again', 0n, []);
    expect(machine.faults()).toHaveLength(1000);
    expect(machine.faultsNotKept).toBe(3);
    shell.run('true');
    expect(notes.join('')).toContain('modbox: 3 more reports were not kept: only the first are\n');
    notes.length = 0;
    shell.run('true');
    expect(notes.join('')).toBe('');
    const report = runModule(machine, { kind: 'name', name: 'none' }, { bootMs: 0, now: () => 0 });
    expect(report.faultsNotKept).toBe(3);
    expect(summaryText(report, false, styleFor({}))).toContain(
      'not kept 3 more reports of these kinds: only the first are kept',
    );
  });
});
