import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rawBytes } from '../../files/raw-text.js';
import { DiskFiles } from '../node/disk-files.js';
import { runTool } from '../testing/captured-host.js';
import { modinfo } from './modinfo.js';
import { modprobe } from './modprobe.js';

const HELLO = readFileSync(fileURLToPath(new URL('../../../tests/modules/hello.ko', import.meta.url)));
const DIR = '/lib/modules/6.1.0-53-amd64';
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modbox-stray-'));
  put(`${DIR}/d\xe9r/hello.ko`, HELLO);
  put('/etc/modprobe.d/a.conf', latin1('options hello whom=caf\xe9\nalias al\xe9 hello\nb\xe9d line\n'));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: Uint8Array): void {
  mkdirSync(latin1(`${root}${dirname(path)}`), { recursive: true });
  writeFileSync(latin1(`${root}${path}`), content);
}

/** What a tool writes, a character a byte. */
function told(tool: typeof modprobe, args: readonly string[]): { out: string; err: string } {
  const { stdout, stderr } = runTool(tool, new DiskFiles(root), args);
  return {
    out: Buffer.from(rawBytes(stdout)).toString('latin1'),
    err: Buffer.from(rawBytes(stderr)).toString('latin1'),
  };
}

describe('bytes that are no UTF-8', () => {
  it('are the same in names of files, options, aliases and messages', () => {
    const expected = `insmod ${DIR}/d\xe9r/hello.ko whom=caf\xe9 \n`;
    expect(told(modprobe, ['-D', 'hello']).out).toBe(expected);
    expect(told(modprobe, ['-D', 'al\udce9']).out).toBe(expected);
    expect(told(modprobe, ['-D', 'hello']).err).toContain("ignoring bad line starting with 'b\xe9d'");
    expect(told(modprobe, ['-R', 'no\udce9']).err).toContain('Module no\xe9 not found');
  });

  it('are the same in what modinfo says of a file', () => {
    const { out } = told((host, args) => modinfo(host, args), ['-n', `${DIR}/d\udce9r/hello.ko`]);
    expect(out).toMatch(/hello\.ko\n$/);
  });
});
