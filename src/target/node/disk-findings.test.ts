import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskFindings } from './disk-findings.js';

describe('findings about an image', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modbox-findings-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

  it('are there by their key', () => {
    const findings = new DiskFindings(join(folder, 'kernel.image'));
    expect(findings.get('members 1')).toBeUndefined();
    findings.put('members 1', bytes(1, 2, 3));
    expect(findings.get('members 1')).toEqual(Buffer.from([1, 2, 3]));
    expect(findings.get('members 2')).toBeUndefined();
  });

  it('are as good as none where the file is damaged', () => {
    const findings = new DiskFindings(join(folder, 'kernel.image'));
    findings.put('members 1', bytes(1, 2, 3));
    const [name] = readdirSync(folder);
    writeFileSync(join(folder, name), 'something else that is more than a digest');
    expect(findings.get('members 1')).toBeUndefined();
  });

  it('do not grow without end, and go with the image', () => {
    const findings = new DiskFindings(join(folder, 'kernel.image'));
    writeFileSync(join(folder, 'kernel.image'), '');
    for (let i = 0; i < 20; i++) findings.put(`members ${i}`, bytes(i));
    expect(readdirSync(folder).length).toBeLessThanOrEqual(9);
    findings.clear();
    expect(readdirSync(folder)).toEqual(['kernel.image']);
  });

  it('are done without where they cannot be written', () => {
    const findings = new DiskFindings(join(folder, 'missing', 'kernel.image'));
    expect(() => findings.put('members 1', bytes(1))).not.toThrow();
    expect(findings.get('members 1')).toBeUndefined();
  });
});
