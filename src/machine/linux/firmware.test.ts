import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../kmod/index.js';
import { loadBundled } from '../../target/node/index.js';
import { CORPUS_RELEASE } from '../../testing/corpus.js';
import { Machine } from './machine.js';

const module = readFileSync(new URL('../../../tests/modules/fwuser.ko', import.meta.url));
const text = new TextEncoder().encode('the blob');

/** What the module and the loader of firmware say, with these files below /lib/firmware. */
function ask(files: Readonly<Record<string, Uint8Array>>, cmdline = '', args = ''): string[] {
  const machine = Machine.boot({
    target: loadBundled(),
    cmdline,
    files: new MemoryFiles(Object.entries(files).map(([path, bytes]) => [path, bytes] as const)),
  });
  machine.insmod(module, args);
  return machine
    .dmesg()
    .map(({ text }) => text)
    .filter((line) => /^(fwuser: (?!loading|module)|platform fwuser:)/.test(line));
}

function xz(): Uint8Array | undefined {
  try {
    return execFileSync('xz', ['--check=crc32', '-c'], { input: text });
  } catch {
    return undefined;
  }
}

const FOUND = [
  'platform fwuser: firmware: direct-loading firmware modbox/blob.bin',
  'fwuser: 8 bytes, <the blob>',
];
const NOT_FOUND = 'platform fwuser: Direct firmware load for modbox/blob.bin failed with error -2';

describe('request_firmware()', () => {
  it('finds files of the machine in each folder that firmware may lie in', () => {
    for (const folder of ['', 'updates/', `${CORPUS_RELEASE}/`, `updates/${CORPUS_RELEASE}/`])
      expect(ask({ [`/lib/firmware/${folder}modbox/blob.bin`]: text })).toEqual(FOUND);
  });

  it('takes an update first', () => {
    const old = new TextEncoder().encode('old');
    const files = { '/lib/firmware/modbox/blob.bin': old, '/lib/firmware/updates/modbox/blob.bin': text };
    expect(ask(files)).toEqual(FOUND);
  });

  it('looks where firmware_class.path says', () => {
    expect(ask({ '/vendor/modbox/blob.bin': text }, 'firmware_class.path=/vendor')).toEqual(FOUND);
  });

  it.skipIf(xz() === undefined)('unpacks what the kernel is configured for', () => {
    expect(ask({ '/lib/firmware/modbox/blob.bin.xz': xz()! })).toEqual(FOUND);
  });

  it('does not find what is packed otherwise, is not there, or is damaged', () => {
    expect(ask({ '/lib/firmware/modbox/blob.bin.gz': gzipSync(text) })).toContain(NOT_FOUND);
    expect(ask({})).toContain(NOT_FOUND);
    expect(ask({ '/lib/firmware/modbox/blob.bin.xz': text })).toContain('fwuser: -2');
  });

  it('refuses a way out of the folder', () => {
    expect(ask({ '/lib/secret': text }, '', 'name=../secret')).toEqual([
      "platform fwuser: Firmware load for '../secret' refused, path contains '..' component",
      'fwuser: -22',
    ]);
  });
});
