import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type FileSource, MemoryFiles } from '../../files/file-source.js';
import { corpusTree, newerTree } from '../../testing/corpus.js';
import type { ModinfoReport } from '../modinfo/report.js';
import { moduleNameOf } from '../names.js';
import { realKmod, type ToolRun } from '../testing/real-kmod.js';
import { kmodMessages, runTool } from '../testing/run-tool.js';
import { modinfo } from './modinfo.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const file = (name: string): string => `${MODULES}${name}.ko`;
const kmod = await realKmod();
const tree = await corpusTree();
const newer = await newerTree();
const RELEASE = '6.1.0-53-amd64';
const TREE = ['-b', tree ?? '', '-k', RELEASE];

const run = (args: readonly string[], files?: FileSource): ToolRun =>
  runTool((host) => modinfo(host, args), files);
const text = (args: readonly string[], files?: FileSource): string => run(args, files).out.toString();
const report = (args: readonly string[], files?: FileSource): ModinfoReport =>
  JSON.parse(text(['--json', ...args], files)) as ModinfoReport;

function modulesOf(root: string | undefined, ending: string): string[] {
  if (root === undefined) return [];
  const top = join(root, 'lib/modules');
  return readdirSync(top, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(top, name));
}

/** Debian's kmod 30 and kmod 34 print the same of all these, but for the build id that newer ones tell. */
function expectSame(args: readonly string[]): void {
  const told = run(args);
  const theirs = kmod!('modinfo', args);
  const ours = theirs.out.includes('build-id') ? told : { ...told, out: withoutBuildIds(told.out) };
  expect(ours.status).toBe(theirs.status);
  // Equality first: a difference of ten megabytes is not to be rendered.
  if (!ours.out.equals(theirs.out)) expect(ours.out.toString()).toBe(theirs.out.toString());
  expect(kmodMessages(ours.err)).toBe(theirs.err);
}

function withoutBuildIds(out: Buffer): Buffer {
  const text = out.toString('latin1').replace(/(?<=^|[\n\0])build-id[:=][^\n\0]*[\n\0]/g, '');
  return Buffer.from(text, 'latin1');
}

describe.skipIf(!kmod || !tree)('next to the real modinfo', () => {
  const all = modulesOf(tree, '.ko');

  it('prints the same of every module of the tree', () => {
    expect(all.length).toBeGreaterThan(4000);
    expectSame(all);
  });

  it.each([
    ['-0'],
    ['-p'],
    ['-0', '-p'],
    ['-n'],
    ['-F', 'alias'],
    ['--field=sig_key'],
    ['-a'],
    ['-dF', 'signer'],
  ])('prints the same of a part of them with %s %s', (...options) => {
    expectSame([...options.filter(Boolean), ...all.filter((_, i) => i % 20 === 0)]);
  });

  it.skipIf(!newer)('prints the same of packed modules of a newer kernel', () => {
    expectSame(modulesOf(newer, '.ko.xz').filter((_, i) => i % 60 === 0));
  });

  it('says the same of what is not there', () => {
    expectSame(['nothing']);
    expectSame(['-m', 'nothing']);
    expectSame(['a[b', file('hello'), './nothing.ko']);
    expectSame([]);
    expectSame([MODULES]);
  });
});

describe.skipIf(!tree)('names in a tree', () => {
  it('stand for modules, whatever their dashes; so do aliases and symbols; and modules may be built in', () => {
    const directory = `${tree}/lib/modules/${RELEASE}`;
    const builtin = readFileSync(`${directory}/modules.builtin`, 'utf8').split('\n', 1)[0];
    const names = ['snd-hda-intel', 'snd_hda_intel', 'fs-ext4', 'symbol:snd_pcm_new', moduleNameOf(builtin)];
    const hda = `${directory}/kernel/sound/pci/hda/snd-hda-intel.ko`;
    const pcm = `${directory}/kernel/sound/core/snd-pcm.ko`;
    const ext4 = `${directory}/kernel/fs/ext4/ext4.ko`;
    expect(text([...TREE, '-n', ...names])).toBe(`${[hda, hda, ext4, pcm, '(builtin)'].join('\n')}\n`);
  });

  it('are only names with -m', () => {
    const { out, err } = run([...TREE, '-n', '-m', 'snd_hda-intel', 'fs-ext4']);
    expect(out.toString()).toMatch(/\/snd-hda-intel\.ko\n$/);
    expect(err).toBe('modinfo: ERROR: Module name fs-ext4 not found.\n');
  });
});

describe('what modinfo prints', () => {
  it('has parameters last, from the last to the first, with types', () => {
    const lines = text([file('params')]).split('\n');
    expect(lines[0]).toBe(`filename:       ${file('params')}`);
    const declared = report([file('params')]).parameters.map(({ name }) => name);
    const shown = text(['-p', file('params')])
      .trim()
      .split('\n')
      .map((line) => line.split(':')[0]);
    expect(shown).toEqual([...declared].reverse());
    expect(lines.slice(-1 - shown.length, -1).every((line) => line.startsWith('parm:           '))).toBe(
      true,
    );
  });

  it('passes text through whatever its encoding', () => {
    const bytes = readFileSync(file('hello'));
    const at = bytes.indexOf('license=');
    bytes.set([0xff, 0xc3, 0xa9], at + 8);
    const files = new MemoryFiles([['/x.ko', bytes]]);
    expect([...run(['-l', '/x.ko'], files).out.subarray(0, 3)]).toEqual([0xff, 0xc3, 0xa9]);
    expect(report(['/x.ko'], files).fields['license'][0]).toContain('ÿ');
  });

  it('is the version and the help of kmod', () => {
    expect(text(['-V'])).toBe('kmod version 34\n+ZSTD +XZ +ZLIB +OPENSSL -MBEDTLS\n');
    expect(text(['--help'])).toContain('Usage:\n\tmodinfo [options] <modulename|filename> [args]\n');
    expect(run(['-x'])).toMatchObject({ status: 1, err: "modinfo: invalid option -- 'x'\n" });
    expect(run(['--field'])).toMatchObject({ status: 1 });
  });

  it('names the file and the place of damage', () => {
    const files = new MemoryFiles([['/x.ko', readFileSync(file('hello')).subarray(0, 500)]]);
    expect(run(['/x.ko'], files)).toMatchObject({
      status: 1,
      err: "modinfo: ERROR: could not get modinfo from 'x': Invalid argument\nmodbox: /x.ko: the section headers reach past the end of the file (at 0x28)\n",
    });
  });
});

describe('signatures', () => {
  /** struct module_signature and the marker behind a module, with a signer's name and a key's identifier. */
  const signed = (type: number, hash: number): Uint8Array => {
    const tail = Buffer.from('Somebody\x12\xab0123456789abcdefghijKL', 'latin1');
    const trailer = Buffer.from([1, hash, type, 8, 2, 0, 0, 0, 0, 0, 0, 22]);
    const marker = Buffer.from('~Module signature appended~\n');
    return Buffer.concat([readFileSync(file('exporter')), tail, trailer, marker]);
  };
  const shown = (bytes: Uint8Array): string => {
    const lines = text(['/x.ko'], new MemoryFiles([['/x.ko', bytes]]));
    const at = lines.indexOf('sig_id:');
    return at < 0 ? '' : lines.slice(at);
  };

  it('of the older form name signer and key', () => {
    expect(shown(signed(1, 4))).toBe(
      'sig_id:         X509\nsigner:         Somebody\nsig_key:        12:AB\nsig_hashalgo:   sha256\n' +
        'signature:      30:31:32:33:34:35:36:37:38:39:61:62:63:64:65:66:67:68:69:6A:\n\t\t4B:4C\n',
    );
    expect(shown(signed(0, 2))).toContain('sig_id:         PGP\n');
  });

  it('that make no sense are none', () => {
    expect(shown(signed(3, 4))).toBe('');
    expect(shown(signed(1, 9))).toBe('');
    expect(shown(signed(2, 4))).toBe('');
  });

  it.skipIf(!tree)('are in the report', () => {
    const path = modulesOf(tree, '/vfat.ko')[0];
    expect(report([path]).signature).toMatchObject({
      type: 'PKCS#7',
      signer: 'Build time autogenerated kernel key',
      hash: 'sha256',
    });
  });
});

describe('what kmod does not have', () => {
  it('leaves the abbreviations of its options alone', () => {
    expect(text(['--b', '/nowhere', '-n', file('hello')])).toBe(`${file('hello')}\n`);
    expect(text(['--s', 'x', '-n', file('hello')])).toBe(`${file('hello')}\n`);
  });

  it('lists exports, and for whom they are', () => {
    const { exports } = report(['--exports', file('exporter')]);
    expect(exports?.map(({ symbol }) => symbol)).toContain('modbox_add');
    expect(exports?.some(({ gplOnly }) => gplOnly)).toBe(true);
    expect(text(['--exports', file('exporter')])).toMatch(/^exporter: \d+ exported symbols\n {2}CRC +for/);
  });

  it('tells who provides what is imported', () => {
    const dir = `/lib/modules/${RELEASE}`;
    const files = new MemoryFiles([
      [`${dir}/extra/exporter.ko`, readFileSync(file('exporter'))],
      [`${dir}/extra/importer.ko`, readFileSync(file('importer'))],
      ['/elsewhere/importer.ko', readFileSync(file('importer'))],
    ]);
    for (const name of ['importer', `${dir}/extra/importer.ko`, '/elsewhere/importer.ko']) {
      const { imports } = report(['--imports', name], files);
      expect(imports?.find(({ symbol }) => symbol === 'modbox_add')?.from).toBe('exporter');
      expect(imports?.find(({ symbol }) => symbol === '_printk')?.from).toBe('kernel');
    }
    const alone = new MemoryFiles([['/importer.ko', readFileSync(file('importer'))]]);
    expect(report(['--imports', '/importer.ko'], alone).imports?.every(({ from }) => from === null)).toBe(
      true,
    );
  });

  it('lists sections, with the build-id', () => {
    const { sections, buildId } = report(['--sections', file('hello')]);
    expect(sections?.find(({ name }) => name === '.modinfo')).toMatchObject({ type: 'PROGBITS', flags: 'A' });
    expect(buildId === null || /^[0-9a-f]{40}$/.test(buildId)).toBe(true);
  });

  it.skipIf(!tree)('lists a module’s own types without the kernel’s', () => {
    const path = modulesOf(tree, '/vfat.ko')[0];
    const { btf } = report(['--btf', path]);
    expect(btf).toContainEqual({ kind: 'func', name: 'vfat_lookup' });
    expect(btf).toContainEqual({ kind: 'struct', name: 'msdos_sb_info' });
  });

  it('says of built-in modules what there is', () => {
    const files = new MemoryFiles([
      [`/lib/modules/${RELEASE}/modules.dep`, ''],
      [`/lib/modules/${RELEASE}/modules.builtin`, 'kernel/fs/one.ko\n'],
      [`/lib/modules/${RELEASE}/modules.builtin.modinfo`, 'one.license=GPL\0one.parm=size:how big\0'],
    ]);
    expect(report(['one'], files)).toMatchObject({
      filename: null,
      builtin: true,
      fields: { license: ['GPL'] },
      parameters: [{ name: 'size', description: 'how big', type: null }],
    });
    expect(run(['--exports', 'one'], files).out.toString()).toBe(
      'one: built into the kernel, without a file of its own\n',
    );
  });
});
