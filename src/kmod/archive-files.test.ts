import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArchiveFiles } from './archive-files.js';
import { ModuleTree } from './module-tree.js';

const HELLO = fileURLToPath(new URL('../../tests/modules/hello.ko', import.meta.url));
const RELEASE = '6.1.0';
let folder: string;
const root = (): string => join(folder, 'root');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-archive-'));
  const put = (path: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(root(), path)), { recursive: true });
    writeFileSync(join(root(), path), content);
  };
  put(`usr/lib/modules/${RELEASE}/extra/hello.ko`, readFileSync(HELLO));
  put('etc/modprobe.d/a.conf', 'options hello count=2\n');
  symlinkSync('/usr/lib/modules', join(root(), 'mods'));
  symlinkSync('../../../outside', join(root(), 'up'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function tar(...args: string[]): Uint8Array {
  execFileSync('tar', ['-C', root(), ...args, '-f', join(folder, 'x.tar'), '.']);
  return readFileSync(join(folder, 'x.tar'));
}

/** An archive of the "new ASCII" format, as gen_init_cpio makes them. */
function cpio(
  files: readonly (readonly [path: string, mode: number, content: Uint8Array | string])[],
): Buffer {
  const pieces: Buffer[] = [];
  const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  for (const [i, [path, mode, content]] of [...files, ['TRAILER!!!', 0, ''] as const].entries()) {
    const data = Buffer.from(content as Uint8Array);
    const numbers = [i + 1, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, path.length + 1, 0];
    const header = `070701${numbers.map((n) => n.toString(16).padStart(8, '0')).join('')}${path}\0`;
    pieces.push(pad(Buffer.from(header)), pad(data));
  }
  return Buffer.concat(pieces);
}

function shows(archive: Uint8Array): void {
  const files = ArchiveFiles.open(archive, 'x')!;
  const tree = new ModuleTree(files, { release: RELEASE });
  expect(tree.resolve('hello')[0].path).toBe(`/lib/modules/${RELEASE}/extra/hello.ko`);
  expect(Buffer.from(tree.readFile(`/lib/modules/${RELEASE}/extra/hello.ko`)!)).toEqual(readFileSync(HELLO));
}

describe('an archive as a file tree', () => {
  it('is a tar archive, packed or not', () => {
    shows(tar('-c'));
    shows(tar('-cz'));
    shows(tar('-cJ'));
    const files = ArchiveFiles.open(tar('-c'), 'x')!;
    expect(new ModuleTree(files, { release: RELEASE }).options('hello')).toBe('count=2');
    expect(files.read(`/mods/${RELEASE}/extra/hello.ko`)).toBeDefined();
    expect(files.read('/up')).toBeUndefined();
    expect(files.info('/up')).toMatchObject({ kind: 'symlink', target: '../../../outside' });
  });

  it.skipIf(spawnSync('dpkg-deb', ['--version']).status !== 0)('is a Debian package', () => {
    mkdirSync(join(root(), 'DEBIAN'));
    writeFileSync(
      join(root(), 'DEBIAN/control'),
      'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n',
    );
    execFileSync('dpkg-deb', ['-b', root(), join(folder, 'x.deb')], { stdio: 'ignore' });
    shows(readFileSync(join(folder, 'x.deb')));
  });

  it('is an initramfs: archives behind each other, the last one packed', () => {
    const early = cpio([['kernel/x86/microcode/x.bin', 0o100644, 'microcode']]);
    const main = cpio([
      [`usr/lib/modules/${RELEASE}/extra/hello.ko`, 0o100644, readFileSync(HELLO)],
      ['lib', 0o120777, 'usr/lib'],
      ['dev/console', 0o020600, ''],
    ]);
    shows(Buffer.concat([early, Buffer.alloc(512), gzipSync(main)]));
    shows(Buffer.concat([early, Buffer.alloc(512), main]));
    shows(gzipSync(main));
    const files = ArchiveFiles.open(Buffer.concat([early, main]), 'x')!;
    expect(Buffer.from(files.read('/kernel/x86/microcode/x.bin')!).toString()).toBe('microcode');
    expect(files.info('/dev/console')?.format).toBe(0o020000);
    expect(files.read('/dev/console')).toBeUndefined();
  });

  it('says what is wrong with one that is damaged, and is none of anything else', () => {
    const main = cpio([['a', 0o100644, 'content']]);
    expect(() => ArchiveFiles.open(main.subarray(0, 118), 'x')).toThrow(/x: /);
    expect(() => ArchiveFiles.open(Buffer.concat([main, Buffer.from('junk')]), 'x')).toThrow(/magic/);
    expect(ArchiveFiles.open(Buffer.from('text'), 'x')).toBeUndefined();
    expect(ArchiveFiles.open(new Uint8Array(), 'x')).toBeUndefined();
  });
});
