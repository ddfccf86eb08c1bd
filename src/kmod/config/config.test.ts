import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../files/file-source.js';
import { mutate } from '../../testing/mutate.js';
import { Random } from '../../testing/random.js';
import { addCmdline } from './cmdline.js';
import { logicalLines } from './lines.js';
import { emptyConfig, type ModprobeConfig } from './modprobe-config.js';
import { parseConfigFile } from './parse-config.js';
import { readConfig } from './read-config.js';

// The details are in the recordings of kmod 34: tools/modprobe.recorded.test.ts.
const CONFIG = fileURLToPath(new URL('../../../tests/kmod/config/', import.meta.url));

function parsed(text: string): ModprobeConfig {
  const config = emptyConfig();
  parseConfigFile(config, text, 'x.conf');
  return config;
}

function fromCmdline(text: string): ModprobeConfig {
  const config = emptyConfig();
  addCmdline(config, text);
  return config;
}

describe('lines', () => {
  it('go on behind a backslash, and count as the last of them', () => {
    expect([...logicalLines('one\\\n two\nthree')]).toEqual([
      { text: 'one two', number: 2 },
      { text: 'three', number: 3 },
    ]);
  });

  it('lose other backslashes', () => {
    expect([...logicalLines('a\\b\\\\c\\')]).toEqual([{ text: 'ab\\c', number: 1 }]);
  });

  it('end at a NUL', () => {
    expect([...logicalLines('ab\0cd\nef')].map(({ text }) => text)).toEqual(['ab', 'ef']);
  });
});

describe('dependencies', () => {
  it('are before and after', () => {
    expect(parsed('softdep a pre: b c post: d\n').softDependencies).toMatchObject([
      { module: 'a', pre: ['b', 'c'], post: ['d'] },
    ]);
  });

  it('lose their first word to a second blank, as for kmod 34', () => {
    expect(parsed('softdep a  pre: b\nweakdep c  d e').softDependencies).toMatchObject([
      { pre: [], post: [] },
    ]);
    expect(parsed('weakdep c  d e').weakDependencies).toEqual([{ module: 'c', weak: [' d', 'e'] }]);
  });
});

describe('files', () => {
  it('are read by name wherever they are, and the first of a name counts', () => {
    const files = new MemoryFiles([
      ['/etc/modprobe.d/b.conf', 'options a from=etc\n'],
      ['/run/modprobe.d/b.conf', 'options a from=run\n'],
      ['/lib/modprobe.d/a.conf', 'options a first=1\n'],
      ['/lib/modprobe.d/c.alias', 'options a not=read\n'],
      ['/m/modules.softdep', 'softdep x pre: y\n'],
      ['/m/modules.weakdep', 'weakdep x z\n'],
    ]);
    const config = readConfig(files, { moduleDirectory: '/m', cmdline: '' });
    expect(config.options.map(({ text }) => text)).toEqual(['first=1', 'from=etc']);
    expect(config.softDependencies).toHaveLength(1);
    expect(config.weakDependencies).toHaveLength(1);
  });
});

describe('the kernel command line', () => {
  it('is read to the length that kmod reads', () => {
    expect(fromCmdline(`${'x'.repeat(4090)} a.b=1`).options).toEqual([{ module: 'a', text: 'b=' }]);
    expect(fromCmdline(`${'x'.repeat(4089)} a.b=1`).options).toEqual([{ module: 'a', text: 'b=1' }]);
  });
});

describe('whatever the damage', () => {
  const files = ['syntax/a.conf', 'softdeps/deps.conf', 'commands/commands.conf', 'cmdline/cmdline'];

  it.each(files)('%s is read, and problems have a line', (name) => {
    const whole = new Uint8Array(readFileSync(`${CONFIG}${name}`));
    const random = new Random(77);
    for (let round = 0; round < 300; round++) {
      const text = new TextDecoder().decode(mutate(whole, random, [[0, whole.length]]));
      for (const { text: problem } of parsed(text).problems)
        expect(problem).toMatch(/^x\.conf( line \d+)?: /);
      const { options, blacklist } = fromCmdline(text);
      expect(options.length + blacklist.length).toBeLessThanOrEqual(text.length + 1);
    }
  });
});
