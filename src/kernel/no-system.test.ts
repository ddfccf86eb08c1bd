import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '..');
/** Operating systems and calling conventions, as they are written. */
const SYSTEMS = /linux|debian|freebsd|darwin|macos|windows nt|netware|system v\b|sysv|microsoft/i;

function filesIn(folder: string): string[] {
  return readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|md)$/.test(file) && !/\.test\.ts$|(^|\/)testing\//.test(file))
    .map((file) => join(folder, file));
}

describe('what every system shares', () => {
  it.each(['kernel', 'cpu'])('src/%s names no operating system and no convention', (folder) => {
    const named = filesIn(folder).flatMap((file) =>
      readFileSync(join(SRC, file), 'utf8')
        .split('\n')
        .flatMap((line, i) => (SYSTEMS.test(line) ? [`src/${file}:${i + 1}: ${line.trim()}`] : [])),
    );
    expect(named).toEqual([]);
  });
});
