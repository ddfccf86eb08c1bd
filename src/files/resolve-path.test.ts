import { describe, expect, it } from 'vitest';
import { type PathNode, resolveInRoot } from './resolve-path.js';

const ROOT: PathNode = { kind: 'directory' };

/** A tree of directories (''), files ('f') and links ('-> TARGET'). */
function walk(tree: Readonly<Record<string, string>>, path: string, follow = true): string | number {
  const look = (place: string): PathNode | undefined => {
    const what = tree[place];
    if (what === undefined) return undefined;
    if (what.startsWith('-> ')) return { kind: 'symlink', target: what.slice(3) };
    return { kind: what === '' ? 'directory' : 'file' };
  };
  const found = resolveInRoot(path, look, ROOT, { follow });
  return found.kind === 'found' ? found.path : found.error;
}

describe('a path within a root', () => {
  it('never climbs above it, by itself or by a link', () => {
    const tree = {
      '/etc': '',
      '/etc/passwd': 'f',
      '/up': '-> ../../../etc',
      '/a': '',
      '/a/up': '-> ../../..',
    };
    expect(walk(tree, '/../../etc/passwd')).toBe('/etc/passwd');
    expect(walk(tree, '/up/passwd')).toBe('/etc/passwd');
    expect(walk(tree, '/a/up/etc/passwd')).toBe('/etc/passwd');
    expect(walk(tree, '/a/up')).toBe('/');
  });

  it('has absolute links start at the root', () => {
    const tree = { '/store': '', '/store/m': 'f', '/m': '-> /store/m', '/s': '-> /store', '/r': '-> /' };
    expect(walk(tree, '/m')).toBe('/store/m');
    expect(walk(tree, '/s/m')).toBe('/store/m');
    expect(walk(tree, '/r/r/r/m')).toBe('/store/m');
  });

  it("takes '..' behind a link from where the link leads", () => {
    const tree = { '/a': '', '/a/b': '', '/x': 'f', '/a/x': 'f', '/l': '-> a/b' };
    expect(walk(tree, '/l/../x')).toBe('/a/x');
  });

  it('ends at links that lead in circles, or on for too long', () => {
    const chain = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`/l${i}`, `-> l${i + 1}`]));
    expect(walk({ '/a': '-> b', '/b': '-> a' }, '/a')).toBe('ELOOP');
    expect(walk({ '/a': '-> a/a' }, '/a')).toBe('ELOOP');
    expect(walk({ ...chain, '/l60': 'f' }, '/l0')).toBe('ELOOP');
    expect(walk({ ...chain, '/l60': 'f' }, '/l20')).toBe('/l60');
  });

  it('says what is wrong as Linux does', () => {
    const tree = { '/f': 'f', '/empty': '-> ', '/dangling': '-> nowhere' };
    expect(walk(tree, '/f/x')).toBe('ENOTDIR');
    expect(walk(tree, '/f/')).toBe('ENOTDIR');
    expect(walk(tree, '/nothing')).toBe('ENOENT');
    expect(walk(tree, '/nothing/../f')).toBe('ENOENT');
    expect(walk(tree, '/empty')).toBe('ENOENT');
    expect(walk(tree, '/dangling')).toBe('ENOENT');
  });

  it('stops before a link at its end where that is asked for', () => {
    const tree = { '/d': '', '/l': '-> d' };
    expect(walk(tree, '/l', false)).toBe('/l');
    expect(walk(tree, '/l/', false)).toBe('/d');
    expect(walk(tree, '/l/.', false)).toBe('/d');
  });
});
