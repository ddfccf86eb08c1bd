import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { corpusPackage, corpusTree } from '../../testing/corpus.js';
import { FormatError } from '../format-error.js';
import { parseAr } from './ar.js';
import { debFiles, isDeb } from './deb.js';
import { tarEntries } from './tar.js';

const deb = await corpusPackage();
const tree = await corpusTree();

describe.skipIf(deb === undefined || tree === undefined)('a Debian package', () => {
  it('lists what dpkg-deb unpacks, and gives the files that were asked for', () => {
    const path = deb ?? '';
    const bytes = readFileSync(path);
    expect(isDeb(bytes)).toBe(true);
    let progress = 0;
    const report = (done: number, total: number): void => {
      progress = Math.max(progress, done / total);
    };
    const entries = [
      ...debFiles(bytes, path, (name) => name.startsWith('boot/config-'), { progress: report }),
    ];
    const expected = readdirSync(tree ?? '', { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice((tree ?? '').length + 1));
    expect(
      entries
        .filter((entry) => entry.type === 'file')
        .map((entry) => entry.path)
        .sort(),
    ).toEqual(expected.sort());
    expect(progress).toBeGreaterThan(0.9);
    const config = entries.find((entry) => entry.data !== undefined);
    expect(
      Buffer.compare(config?.data ?? Buffer.alloc(0), readFileSync(join(tree ?? '', config?.path ?? ''))),
    ).toBe(0);
  });
});

describe('tar', () => {
  const name = `${'long/'.repeat(40)}name`;
  const packed = (format: string): Uint8Array => {
    const script = `set -e; d=$(mktemp -d); cd $d; mkdir -p ${name}.d; printf hello > ${name}.d/file; ln -s target ${name}.d/link; tar --format=${format} -cf - . ; rm -r $d`;
    return execFileSync('sh', ['-c', script], { maxBuffer: 1 << 24 });
  };

  it.each(['gnu', 'pax', 'ustar'])('long names, links and content: %s', (format) => {
    const archive = packed(format);
    // In pieces of any size.
    const pieces = Array.from({ length: Math.ceil(archive.length / 700) }, (_, i) =>
      archive.subarray(i * 700, (i + 1) * 700),
    );
    const entries = [...tarEntries(pieces, 'x.tar', () => true)];
    const file = entries.find((entry) => entry.type === 'file');
    expect(file?.path).toBe(`${name}.d/file`);
    expect(new TextDecoder().decode(file?.data)).toBe('hello');
    expect(entries.find((entry) => entry.type === 'symlink')).toMatchObject({
      path: `${name}.d/link`,
      link: 'target',
    });
  });

  it('damage is an error with a place', () => {
    const archive = packed('gnu');
    expect(() => [...tarEntries([archive.subarray(0, 700)], 'x.tar', () => true)]).toThrow(FormatError);
    const damaged = Buffer.from(archive);
    damaged[3] ^= 1;
    expect(() => [...tarEntries([damaged], 'x.tar', () => true)]).toThrow(
      'x.tar: checksum (at 0x94): does not match the header',
    );
  });
});

describe('ar', () => {
  it('refuses what is none', () => {
    expect(() => parseAr(new TextEncoder().encode('!<arch>\nshort'), 'x.deb')).toThrow(
      'x.deb: ar member header (at 0x8)',
    );
    expect(() => parseAr(new Uint8Array(80), 'x.deb')).toThrow('x.deb: magic (at 0x0): not an ar archive');
  });
});
