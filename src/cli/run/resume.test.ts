import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failedReport } from './failed-report.js';
import { LineFile } from './line-file.js';
import { finished, stillToDo } from './resume.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-resume-'));
  file = join(folder, 'reports.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

const line = (listed: string): string => JSON.stringify({ listed, ...failedReport(listed, 'stopped') });

describe('a run that is gone on with', () => {
  it('leaves out what it came to, failed or not', () => {
    writeFileSync(file, `${line('/a/x.ko')}\n${line('e1000e')}\n`);
    expect(stillToDo(['/a/x.ko', '/b/x.ko', 'e1000e', 'y'], finished(file))).toEqual(['/b/x.ko', 'y']);
  });

  it('knows reports of before lists were noted, by the module', () => {
    writeFileSync(file, `${JSON.stringify(failedReport('/a/x.ko', 'stopped'))}\n`);
    expect(stillToDo(['/a/x.ko', '/b/x.ko'], finished(file))).toEqual(['/b/x.ko']);
  });

  it('takes out a line that was cut off, and remembers failures', () => {
    writeFileSync(file, `${line('a')}\n${line('b').slice(0, 30)}`);
    expect(finished(file).failed).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe(`${line('a')}\n`);
  });

  it('is refused with a file that is something else', () => {
    writeFileSync(file, 'my diary\n');
    expect(() => finished(file)).toThrow(/line 1 is no report/);
    expect(readFileSync(file, 'utf8')).toBe('my diary\n');
  });

  it('says which file is on a full disk', () => {
    const full = new LineFile('/dev/full', false);
    expect(() => full.write('x\n')).toThrow(expect.objectContaining({ code: 'ENOSPC', path: '/dev/full' }));
    full.close();
  });
});
