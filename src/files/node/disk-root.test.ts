import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putFile, putLink } from '../../testing/disk-tree.js';
import { DiskRoot } from './disk-root.js';
import { OutputFolder } from './output-folder.js';

let folder: string;
let root: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-root-'));
  root = join(folder, 'image');
  mkdirSync(root);
  put('../secret', 'of the host');
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (path: string, content: string): void => putFile(root, path, content);
const link = (path: string, target: string): void => putLink(root, path, target);
const read = (path: string): string | undefined => {
  const bytes = new DiskRoot(root).read(path);
  return bytes && new TextDecoder().decode(bytes);
};

describe('an image on the disk', () => {
  it.each(['/../secret', '/up/secret', '/direct', '/host', '/a/b/../../../secret', '/chain'])(
    'does not give what lies outside by %s',
    (path) => {
      put('a/b/c', '');
      link('up', '..');
      link('direct', '../secret');
      link('host', join(folder, 'secret'));
      link('chain', 'a/one');
      link('a/one', 'b/two');
      link('a/b/two', '../../../secret');
      expect(read(path)).toBeUndefined();
      put('secret', 'of the image');
      expect([undefined, 'of the image']).toContain(read(path));
    },
  );

  it('may itself be reached by a link', () => {
    put('f', 'content');
    symlinkSync(root, join(folder, 'link'));
    expect(new DiskRoot(join(folder, 'link')).read('/f')).toBeDefined();
    expect(new DiskRoot(join(folder, 'link')).read('/../secret')).toBeUndefined();
  });

  it('has absolute links of its own', () => {
    put('store/m.ko', 'module');
    link('lib/modules/R', '/store');
    expect(read('/lib/modules/R/m.ko')).toBe('module');
    expect(read('/lib/modules/R/../m.ko')).toBeUndefined();
  });

  it('has no pipes, sockets and devices to open', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
    link('zero', '/dev/zero');
    link('toPipe', 'pipe');
    for (const path of ['/pipe', '/socket', '/zero', '/toPipe']) expect(read(path)).toBeUndefined();
    server.close();
  });

  it('of a merged /usr needs no link for it', () => {
    put('usr/lib/modules/R/m.ko', 'module');
    expect(read('/lib/modules/R/m.ko')).toBe('module');
    put('lib/firmware/f', 'firmware');
    expect(read('/lib/modules/R/m.ko')).toBe('module');
    expect(read('/lib/firmware/f')).toBe('firmware');
    put('lib/modules/other/m.ko', 'other');
    expect(read('/lib/modules/other/m.ko')).toBe('other');
    expect(read('/lib/modules/R/m.ko')).toBe('module');
  });

  it('has names that are no UTF-8', () => {
    writeFileSync(Buffer.from(`${root}/caf\xe9.ko`, 'latin1'), 'module');
    const [{ name }] = new DiskRoot(root).list('/') ?? [];
    expect(name).toBe('caf\udce9.ko');
    expect(read(`/${name}`)).toBe('module');
  });
});

describe('what is written below a folder', () => {
  const write = (path: string, mode = 0o644): void =>
    new OutputFolder(new DiskRoot(root)).file(path, Buffer.from('new'), mode);

  it('stays below it, whatever links are there', () => {
    link('out', '..');
    link('dir', join(folder, 'elsewhere'));
    mkdirSync(join(folder, 'elsewhere'));
    write('/out/file');
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe('new');
    write('/../../up');
    expect(readFileSync(join(root, 'up'), 'utf8')).toBe('new');
    expect(() => write('/dir/../x/y')).toThrow();
    write('/dir/file');
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
  });

  it('never goes over a link that is itself of the image', () => {
    const out = new OutputFolder(new DiskRoot(root));
    put('there/x', '');
    out.link('/S', 'there');
    expect(() => out.file('/S/victim', Buffer.from('new'), 0o644)).toThrow(/link of the image/);
    expect(readlinkSync(join(root, 'S'))).toBe('there');
  });

  it('is new: a file or link that is there is left, or replaced as what it is', () => {
    put('old', 'old');
    link('link', '../secret');
    expect(() => write('/old')).toThrow(/is there already/);
    expect(() => write('/link')).toThrow(/is there already/);
    const out = new OutputFolder(new DiskRoot(root), { replace: true });
    out.file('/link', Buffer.from('new'), 0o644);
    expect(lstatSync(join(root, 'link')).isFile()).toBe(true);
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('of the host');
  });

  it('has the permissions that were asked for, and no others', () => {
    write('/private', 0o600);
    write('/suid', 0o4755);
    expect(lstatSync(join(root, 'private')).mode & 0o7777).toBe(0o600);
    expect(lstatSync(join(root, 'suid')).mode & 0o7777).toBe(0o755);
    new OutputFolder(new DiskRoot(root), { modeOf: () => 0o700 }).file('/d/f', Buffer.from(''), 0o644);
    expect(lstatSync(join(root, 'd')).mode & 0o777).toBe(0o700);
  });

  it('can be undone, all but what others put there', () => {
    chmodSync(root, 0o755);
    const out = new OutputFolder(new DiskRoot(root));
    out.file('/a/b/c', Buffer.from('new'), 0o644);
    out.file('/d/e', Buffer.from('new'), 0o644);
    put('d/others', '');
    out.undo();
    expect(readdirSync(root)).toEqual(['d']);
    expect(readdirSync(join(root, 'd'))).toEqual(['others']);
  });
});
