import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotAFileError, readGiven, readGivenText } from './read-given.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-given-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a file that the user names', () => {
  it('is read', () => {
    writeFileSync(join(folder, 'a'), 'text');
    expect(readGivenText(join(folder, 'a'))).toBe('text');
    expect(readGiven('/dev/null')).toHaveLength(0);
  });

  it('is not waited for, and not read without end', () => {
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    expect(() => readGiven(pipe)).toThrow(`${pipe}: is a named pipe, not a file`);
    expect(() => readGiven('/dev/zero')).toThrow('/dev/zero: is a device, not a file');
    expect(() => readGiven(folder)).toThrow(`${folder}: Is a directory`);
    expect(() => readGiven(folder)).toThrow(NotAFileError);
  });

  it('has a size that can be read at once', () => {
    const large = join(folder, 'large');
    writeFileSync(large, '');
    truncateSync(large, 2 ** 32);
    expect(() => readGiven(large)).toThrow('4294967296 bytes are too many');
  });

  it('may be a descriptor that is open', () => {
    writeFileSync(join(folder, 'a'), 'text');
    expect(readGivenText(`/dev/fd/${openSync(join(folder, 'a'), 'r')}`)).toBe('text');
  });

  it('that is not there is told of as the system does', () => {
    expect(() => readGiven(join(folder, 'none'))).toThrow(/ENOENT/);
  });
});
