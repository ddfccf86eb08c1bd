import { describe, expect, it } from 'vitest';
import type { FileErrors } from './failure.js';
import { FileTree, type HostTree, MemoryDirectory, MemoryFile, SymlinkNode } from './index.js';

/** Numbers of a system that is none. */
const ERRORS: FileErrors = {
  EBUSY: 1,
  EEXIST: 2,
  EINVAL: 3,
  EISDIR: 4,
  ELOOP: 5,
  ENAMETOOLONG: 6,
  ENOENT: 7,
  ENOSPC: 8,
  ENOTDIR: 9,
  ENOTEMPTY: 10,
};

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const read = (tree: FileTree, path: string): string | undefined => {
  const bytes = tree.readFile(path);
  return bytes && new TextDecoder().decode(bytes);
};

/** A host with /etc/motd and a link to it. */
const host: HostTree = {
  entry: (path) => {
    const common = { size: 5, mode: 0o755, mtime: 0 };
    if (path === '/' || path === '/etc') return { kind: 'directory', ...common };
    if (path === '/etc/motd') return { kind: 'file', ...common };
    return path === '/etc/link' ? { kind: 'symlink', ...common } : undefined;
  },
  list: (path) => (path === '/etc' ? ['motd', 'link'] : ['etc']),
  read: () => text('hello'),
  readLink: () => 'motd',
};

describe('the file tree', () => {
  it('shows the host and keeps what was written to itself', () => {
    const tree = new FileTree(ERRORS, host);
    expect(read(tree, '/etc/link')).toBe('hello');
    expect(tree.writeFile('/etc/motd', text('changed'))).toBe(0);
    expect(read(tree, '/etc/../etc/./motd')).toBe('changed');
    expect(read(new FileTree(ERRORS, host), '/etc/motd')).toBe('hello');
  });

  it('hides what was removed and lists what was made', () => {
    const tree = new FileTree(ERRORS, host);
    const etc = tree.makeDirectories('/etc');
    expect(etc.remove('motd')).toBe(0);
    expect(etc.remove('motd')).toBe('ENOENT');
    expect(etc.insert('issue', new MemoryFile())).toBe(0);
    expect(etc.insert('issue', new MemoryFile())).toBe('EEXIST');
    expect(etc.names()).toEqual(['link', 'issue']);
  });

  it('follows links, and gives up on loops', () => {
    const tree = new FileTree(ERRORS);
    tree.root.insert('a', new SymlinkNode('/b'));
    tree.root.insert('b', new SymlinkNode('a'));
    expect(tree.locate('/a')).toBe(ERRORS.ELOOP);
    expect(tree.locate('/a', { follow: false })).toMatchObject({ path: '/a' });
    tree.writeFile('/file', text('x'));
    expect(tree.locate('/file/below')).toBe(ERRORS.ENOTDIR);
    expect(tree.locate('/nothing/below')).toBe(ERRORS.ENOENT);
  });

  it('mounts over directories, and shows them again after unmounting', () => {
    const tree = new FileTree(ERRORS);
    const point = tree.makeDirectories('/mnt/here');
    point.insert('below', new MemoryFile());
    const root = new MemoryDirectory();
    tree.mount({ type: 'tmpfs', source: 'none', target: '/mnt/here', root, options: '' }, point);
    expect(tree.writeFile('/mnt/here/above', text('1'))).toBe(0);
    expect(root.names()).toEqual(['above']);
    expect(tree.mountOf('/mnt/here/above')?.type).toBe('tmpfs');
    expect(tree.unmount('/mnt/here')).toMatchObject({ type: 'tmpfs' });
    expect(tree.makeDirectories('/mnt/here').names()).toEqual(['below']);
  });
});

describe('a file in memory', () => {
  it('has no room for more than half of what a machine has, wherever one writes', () => {
    const file = new MemoryFile();
    expect(file.write(2 ** 40, Uint8Array.of(1))).toBe('ENOSPC');
    expect(file.truncate(2 ** 40)).toBe('ENOSPC');
    expect(file.size).toBe(0);
    expect(file.write(0, Uint8Array.of(1, 2))).toBe(0);
    expect([...file.read(0, 9)]).toEqual([1, 2]);
  });
});
