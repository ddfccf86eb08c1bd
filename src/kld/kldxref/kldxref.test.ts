import { describe, expect, it } from 'vitest';
import { type FileInfo, MemoryFiles } from '../../files/file-source.js';
import { readLinkerHints } from '../../formats/kld/index.js';
import { EACCES } from '../../freebsd/errno.js';
import { mutate } from '../../testing/mutate.js';
import { Random } from '../../testing/random.js';
import { Captured, hintsModule } from '../testing/captured.js';
import { EDITION_10, EDITION_14 } from './edition.js';
import { type HintsWriter, kldxref } from './kldxref.js';

class MemoryHints implements HintsWriter {
  readonly files = new Map<string, Uint8Array>();
  readonly removed: string[] = [];
  errno = 0;

  replace(path: string, bytes: Uint8Array): number {
    this.files.set(path, bytes);
    return this.errno;
  }

  remove(path: string): void {
    this.removed.push(path);
  }
}

/** Files in memory, some of which are links. */
class LinkedFiles extends MemoryFiles {
  readonly links = new Map<string, string>();

  info(path: string): FileInfo | undefined {
    if (this.links.has(path)) return { kind: 'symlink', size: 0, mode: 0o755, mtime: 0, target: '' };
    if (this.read(path)) return { kind: 'file', size: 0, mode: 0o644, mtime: 0 };
    return this.list(path) && { kind: 'directory', size: 0, mode: 0o755, mtime: 0 };
  }

  override read(path: string): Uint8Array | undefined {
    return super.read(this.behind(path));
  }

  override list(path: string) {
    return super.list(this.behind(path));
  }

  private behind(path: string): string {
    for (const [link, target] of this.links)
      if (path === link || path.startsWith(`${link}/`)) return target + path.slice(link.length);
    return path;
  }
}

function boot(...names: readonly string[]): LinkedFiles {
  return new LinkedFiles(names.map((name) => [`/boot/${name}`, hintsModule(name.split('/').at(-1)!)]));
}

function run(files: MemoryFiles, args: readonly string[], edition = EDITION_14) {
  const captured = new Captured();
  const writer = new MemoryHints();
  const status = kldxref({ files, writer, out: captured.out, err: captured.err }, args, edition);
  return { status, out: captured.stdout, err: captured.stderr, writer };
}

const recordsOf = (writer: MemoryHints, path: string) =>
  readLinkerHints(writer.files.get(path) ?? new Uint8Array(0), path).map((record) => {
    if (record.kind === 'pnp') return `pnp ${record.bus} ${record.description} ${record.count}`;
    return record.kind === 'other' ? 'other' : `${record.kind} ${record.name} ${record.file}`;
  });

const DEVICES =
  'I:vendor;J:device;I:revision;J:any;D:#;Z:_HID;J:wide;I:sub;I:subsys;Z:pnpid;G:least;L:most;M:mask;T:class=3;';

describe('kldxref', () => {
  it('writes the first module of a file, then all else of it in its order', () => {
    const { status, writer, out, err } = run(boot('devices.ko', 'plain.ko'), ['/boot']);
    expect({ status, out, err }).toEqual({ status: 0, out: '', err: '' });
    expect(recordsOf(writer, '/boot/linker.hints')).toEqual([
      'module devices_pci devices.ko',
      'version devices devices.ko',
      `pnp pci ${DEVICES} 2`,
      'pnp usb I:id; 0',
      'module plain plain.ko',
      'version plain plain.ko',
    ]);
  });

  it('of FreeBSD 10 writes every module where it stands, and no devices', () => {
    const { writer, err } = run(boot('devices.ko'), ['/boot'], EDITION_10);
    expect(recordsOf(writer, '/boot/linker.hints')).toEqual([
      'version devices devices.ko',
      'module devices_pci devices.ko',
      'module devices_usb devices.ko',
    ]);
    expect(err).toBe('kldxref: unknown metadata record 4 in file devices.ko\n'.repeat(2));
  });

  it('takes files by the bytes of their names, and each directory by itself', () => {
    const files = boot('plain.ko', 'a/devices.ko');
    files.add('/boot/Z.ko', hintsModule('plain.ko'));
    files.add('/boot/kernel', hintsModule('kernel'));
    files.add('/boot/a.symbols', hintsModule('devices.ko'));
    const { writer } = run(files, ['/boot']);
    expect(
      recordsOf(writer, '/boot/linker.hints').map((text) => text.split(' ').slice(0, 3).join(' ')),
    ).toEqual([
      'module plain Z.ko',
      'version plain Z.ko',
      'module first kernel',
      'version kernel kernel',
      'version pci kernel',
      'module plain plain.ko',
      'version plain plain.ko',
    ]);
    expect(recordsOf(writer, '/boot/a/linker.hints')).toHaveLength(4);
  });

  it('removes the file of a directory in which nothing is, and can be told its name', () => {
    const files = boot('plain.ko', 'a/plain.ko');
    files.add('/boot/a/plain.ko', 'text');
    const { writer } = run(files, ['-f', 'hints', '/boot/']);
    expect([...writer.files.keys()]).toEqual(['/boot//hints']);
    expect(writer.removed).toEqual(['/boot/a/hints']);
  });

  it('follows no links but, with -R, those that it is given', () => {
    const files = boot('plain.ko');
    files.links.set('/link', '/boot');
    expect(run(files, ['/link']).writer.files.size).toBe(0);
    expect([...run(files, ['-R', '/link']).writer.files.keys()]).toEqual(['/link/linker.hints']);
  });

  it('-d shows, and writes nothing', () => {
    const { out, writer } = run(boot('plain.ko', 'library.ko'), ['-d', '/boot/plain.ko', '/boot/library.ko']);
    expect(out).toBe(
      '/boot/library.ko\n  module library\n  interface library.3\n' +
        '  pnp info for bus pci format U16:vendor;U16:device 2 entries of 4 bytes\n' +
        '/boot/plain.ko\n  module plain\n  interface plain.1\n  depends on devices.7 (2,9)\n',
    );
    expect(writer.files.size).toBe(0);
  });

  it('-vv tells how tables are read', () => {
    const { out } = run(boot('library.ko'), ['-vv', '/boot']);
    expect(out).toBe(
      '/boot/library.ko\n  pnp info for bus pci format U16:vendor;U16:device 2 entries of 4 bytes\n' +
        'Converting U16:vendor;U16:device into a list\nFound type U16 for name vendor\nFound type U16 for name device\n' +
        'I:0x1;I:0x2;\nI:0x3;I:0x4;\n',
    );
  });

  it('ends where a description makes no sense, and tells of metadata that it does not know', () => {
    const { status, err, writer } = run(boot('broken.ko'), ['/boot']);
    expect(status).toBe(1);
    expect(err).toBe(
      'kldxref: unknown metadata record 9 in file broken.ko\n' +
        'kldxref: Parse error of description string U16:vendor;X16:device\n',
    );
    expect(writer.files.size).toBe(0);
  });

  it('passes over what is no kld, and says so with -v', () => {
    const files = boot('plain.ko');
    files.add('/boot/text.ko', 'if_em.ko');
    expect(run(files, ['/boot']).err).toBe('');
    expect(run(files, ['-v', '/boot']).err).toBe('kldxref: /boot/text.ko: not an ELF file\n');
  });

  it('never passes over a kld of another architecture in silence', () => {
    const bytes = hintsModule('plain.ko');
    bytes[18] = 183;
    const { status, err } = run(new MemoryFiles([['/boot/arm.ko', bytes]]), ['/boot']);
    expect(status).toBe(1);
    expect(err).toBe('kldxref: modbox: /boot/arm.ko: machine 183: only klds of amd64 are read\n');
  });

  it('comes to an end with damaged modules, and writes what can be read', () => {
    const random = new Random(14);
    const names = ['devices.ko', 'broken.ko', 'library.ko', 'kernel'] as const;
    for (let i = 0; i < 800; i++) {
      const bytes = hintsModule(random.pick(names));
      const files = new MemoryFiles([['/boot/a.ko', mutate(bytes, random, [[0, bytes.length]])]]);
      const { status, writer } = run(
        files,
        ['-vv', '/boot'],
        random.below(2) === 0 ? EDITION_14 : EDITION_10,
      );
      expect([0, 1]).toContain(status);
      for (const path of writer.files.keys()) expect(() => recordsOf(writer, path)).not.toThrow();
    }
  });

  it('wants a directory', () => {
    const files = boot('plain.ko');
    expect(run(files, ['/nowhere'])).toMatchObject({
      status: 1,
      err: 'kldxref: /nowhere: No such file or directory\n',
    });
    expect(run(files, ['/boot/plain.ko'])).toMatchObject({
      status: 1,
      err: 'kldxref: /boot/plain.ko: Not a directory\n',
    });
  });

  it('says what is wrong with its options, and where it cannot write', () => {
    const usage = 'usage: kldxref [-Rdv] [-f hintsfile] path ...\n';
    expect(run(boot(), [])).toMatchObject({ status: 1, err: usage });
    expect(run(boot(), ['-x'])).toMatchObject({ status: 1, err: `kldxref: illegal option -- x\n${usage}` });
    expect(run(boot(), ['-f'])).toMatchObject({
      status: 1,
      err: `kldxref: option requires an argument -- f\n${usage}`,
    });
    const captured = new Captured();
    const writer = new MemoryHints();
    writer.errno = EACCES;
    expect(
      kldxref({ files: boot('plain.ko'), writer, out: captured.out, err: captured.err }, ['/boot']),
    ).toBe(1);
    expect(captured.stderr).toBe("kldxref: can't create /boot/linker.hints: Permission denied\n");
  });
});
