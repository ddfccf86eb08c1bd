import { MAX_LINKS } from './limits.js';

/** What the walk over a path has to know of a place: whether it is a link, and where that leads. */
export interface PathNode {
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Of a symbolic link. */
  readonly target?: string;
}

/** A link that a path leads over: where it is (no link in that), and what is written in it. */
interface PassedLink {
  readonly path: string;
  readonly target: string;
}

/** Why a path leads nowhere, by the name of errno(2). */
export type PathError = 'ELOOP' | 'ENOENT' | 'ENOTDIR';

export type Resolution<Node extends PathNode> =
  | {
      readonly kind: 'found';
      /** Without '.', '..' and links, but for a last one that was not to be followed. */
      readonly path: string;
      readonly node: Node;
      readonly links: readonly PassedLink[];
    }
  | {
      readonly kind: 'missing';
      readonly error: PathError;
      /** Of the deepest directory that is there (links followed), and the names that it has not. */
      readonly directory: string;
      readonly rest: readonly string[];
      readonly links: readonly PassedLink[];
    };

export interface ResolveOptions {
  /** Follow a link that is the path's last name; true by default. */
  readonly follow?: boolean;
}

/**
 * Walks a path from the root, name by name, as openat2(2) does with RESOLVE_IN_ROOT: links are followed within the root,
 * absolute ones start at it, and '..' never leads above it. `look` says what is at a path that has no link in it but
 * perhaps the last.
 */
export function resolveInRoot<Node extends PathNode>(
  path: string,
  look: (path: string) => Node | undefined,
  root: Node,
  { follow = true }: ResolveOptions = {},
): Resolution<Node> {
  const names = namesOf(path);
  const links: PassedLink[] = [];
  // A slash at the end asks for a directory, and follows a link to one.
  const followLast = follow || /\/\.{0,2}$/.test(path);
  const trail: { readonly path: string; readonly node: Node }[] = [{ path: '', node: root }];
  while (names.length > 0) {
    const name = names.shift()!;
    const here = trail[trail.length - 1];
    if (here.node.kind !== 'directory') return missing('ENOTDIR', here.path, [name, ...names], links);
    if (name === '..') {
      if (trail.length > 1) trail.pop();
      continue;
    }
    const place = `${here.path}/${name}`;
    const node = look(place);
    if (!node) return missing('ENOENT', here.path, [name, ...names], links);
    if (node.kind !== 'symlink' || (names.length === 0 && !followLast)) {
      trail.push({ path: place, node });
      continue;
    }
    const { target = '' } = node;
    links.push({ path: place, target });
    if (links.length > MAX_LINKS) return missing('ELOOP', here.path, [name, ...names], links);
    if (target === '') return missing('ENOENT', here.path, [name, ...names], links);
    if (target.startsWith('/')) trail.length = 1;
    names.unshift(...namesOf(target));
  }
  const end = trail[trail.length - 1];
  if (path.endsWith('/') && end.node.kind !== 'directory') return missing('ENOTDIR', end.path, [], links);
  return { kind: 'found', path: end.path || '/', node: end.node, links };
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function missing(
  error: PathError,
  directory: string,
  rest: readonly string[],
  links: readonly PassedLink[],
): Resolution<never> {
  return { kind: 'missing', error, directory: directory || '/', rest, links };
}
