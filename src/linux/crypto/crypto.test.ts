import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { DiskFiles } from '../../kmod/node/disk-files.js';
import { Machine } from '../../machine/linux/machine.js';
import { debianRun } from '../../machine/linux/testing/debian-run.js';
import { loadBundled } from '../../target/node/index.js';
import { corpusTree } from '../../testing/corpus.js';
import type { LinuxKernel } from '../kernel.js';
import { parseInstance } from './probe.js';
import { ScatterWalks } from './scatterwalk.js';

describe('names of instances', () => {
  it('are a template and the names of its parts', () => {
    expect(parseInstance('pcbc(fcrypt)')).toEqual({ template: 'pcbc', parts: ['fcrypt'] });
    expect(parseInstance('authenc(hmac(sha1),cbc(aes))')).toEqual({
      template: 'authenc',
      parts: ['hmac(sha1)', 'cbc(aes)'],
    });
  });

  it('are nothing else', () => {
    for (const name of ['aes', '(aes)', 'cbc()', 'cbc(aes', 'cbc(aes,)', 'cbc(aes;des)', 'cbc(hmac(sha1)'])
      expect(parseInstance(name)).toBeUndefined();
  });
});

describe('scatterlists in pieces', () => {
  let k: LinuxKernel;
  let first: Ptr;
  let walks: ScatterWalks;

  beforeAll(() => {
    k = Machine.boot({ target: loadBundled() }).kernel;
    walks = k.get(ScatterWalks);
    first = k.slab.allocateBytes(2 * walks.table.entryBytes, true);
    walks.table.init(first, 2);
    [3, 5].forEach((length, i) => {
      const memory = k.slab.allocateBytes(16, true);
      walks.table.setBuffer(first + i * walks.table.entryBytes, memory, length);
    });
  });

  it('are written and read across entries', () => {
    const buffer = k.slab.allocateBytes(16, true);
    k.space.storeCstring(buffer, 'abcdef');
    walks.exports.scatterwalk_map_and_copy(buffer, first, 1, 6, 1);
    const back = k.slab.allocateBytes(16, true);
    walks.exports.scatterwalk_map_and_copy(back, first, 2, 4, 0);
    expect(k.space.cstring(back)).toBe('bcde');
  });

  it('begin later in a list of two entries that leads on', () => {
    const shorter = k.slab.allocateBytes(2 * walks.table.entryBytes, true);
    expect(walks.exports.scatterwalk_ffwd(shorter, first, 3)).toBe(first + walks.table.entryBytes);
    expect(walks.exports.scatterwalk_ffwd(shorter, first, 2)).toBe(shorter);
    expect([...walks.table.entries(shorter)].map((sg) => walks.table.length(sg))).toEqual([1, 5]);
  });
});

/** Modules whose init asks for algorithms, with the modules that this brings in on Debian’s 6.1. */
const LOADS: Readonly<Record<string, readonly string[]>> = {
  rxrpc: ['fcrypt', 'pcbc', 'rxrpc', 'ip6_udp_tunnel', 'udp_tunnel'],
  ubifs: ['zstd', 'zstd_compress', 'ubifs', 'ubi', 'mtd', 'crc16'],
  pcrypt: ['pcrypt'],
  libchacha20poly1305: ['libchacha20poly1305', 'chacha_x86_64', 'poly1305_x86_64', 'libchacha'],
};

describe('modules that use algorithms', () => {
  for (const [name, modules] of Object.entries(LOADS))
    it(`${name} finds what it asks for, and gives it back`, async ({ skip }) => {
      const report = await debianRun(name);
      if (!report) return skip('needs the kernel package');
      expect(report.faults).toEqual([]);
      expect(report.modules.map((module) => module.name)).toEqual(modules);
      expect(report.remove.exit).toBe(0);
      expect(report.leaks).toEqual([]);
    }, 60_000);

  it('an instance goes with its template, or with the algorithm below it', async ({ skip }) => {
    const root = await corpusTree();
    if (root === undefined) return skip('needs the kernel package');
    for (const order of [
      ['pcbc', 'fcrypt'],
      ['fcrypt', 'pcbc'],
    ]) {
      const machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root) });
      const round = (): number => {
        machine.modprobe('rxrpc');
        for (const name of ['rxrpc', ...order]) machine.rmmod(name);
        return machine.kernel.ledger.bytes;
      };
      // The first rounds also start threads, which stay.
      round();
      const left = round();
      expect(round()).toBe(left);
      expect(machine.dmesg().filter(({ text }) => /BUG|WARN/.test(text))).toEqual([]);
    }
  }, 60_000);
});
