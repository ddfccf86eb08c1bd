import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { mergedUsr } from '../merged-usr.js';
import { hasStray, rawBytes, rawText } from '../raw-text.js';
import { type PathNode, type Resolution, type ResolveOptions, resolveInRoot } from '../resolve-path.js';

/** A path as Node's functions take it: a Buffer where it is no UTF-8. */
export function hostPath(path: string): string | Buffer {
  return hasStray(path) ? Buffer.from(rawBytes(path)) : path;
}

/** What is at a place of the disk. */
export interface DiskNode extends PathNode {
  readonly stat: Stats;
}

/** A place of the host, and what is there. */
export interface Located {
  readonly host: string;
  /** The same from the root on, without links. */
  readonly path: string;
  readonly stat: Stats;
}

/** A name in a directory, and what it is if that is known without following it. */
export interface DiskEntry {
  readonly name: string;
  readonly kind?: 'file' | 'directory';
}

/**
 * A directory of the host that stands for '/', which nothing leads out of: no '..', no link, absolute or relative, and no
 * name that an image has in an index. Paths are resolved as openat2(2) does with RESOLVE_IN_ROOT. Devices, pipes and
 * sockets are never opened.
 *
 * Where /lib (or a name in it, such as /lib/modules) is not there, what /usr/lib has counts: packages of distributions
 * with a merged /usr come without the link that their systems have.
 */
export class DiskRoot {
  private real: string | undefined;

  constructor(readonly directory: string) {}

  /** What a path leads to; undefined where there is nothing. */
  locate(path: string, options: ResolveOptions = {}): Located | undefined {
    const plain = options.follow === false ? undefined : this.withoutLinks(path);
    if (plain) return plain;
    const found = this.resolve(path, options);
    if (found.kind === 'missing') return undefined;
    return { host: this.hostOf(found.path), path: found.path, stat: found.node.stat };
  }

  resolve(path: string, options: ResolveOptions = {}): Resolution<DiskNode> {
    const root = diskNode(this.root);
    if (!root) return { kind: 'missing', error: 'ENOENT', directory: '/', rest: [], links: [] };
    return resolveInRoot(path, (place) => this.look(place), root, options);
  }

  /** Content of a regular file; undefined for anything else. */
  read(path: string): Uint8Array | undefined {
    const found = this.locate(path);
    return found?.stat.isFile() ? readRegular(found.host) : undefined;
  }

  /** Names in a directory; undefined where there is none. */
  list(path: string): readonly DiskEntry[] | undefined {
    const found = this.locate(path);
    return found?.stat.isDirectory() ? diskEntries(found.host) : undefined;
  }

  /** The host's path of one that {@link resolve} gave. */
  hostOf(path: string): string {
    if (path === '/') return this.root;
    return this.root === '/' ? path : `${this.root}${path}`;
  }

  private get root(): string {
    this.real ??= realPath(this.directory) ?? this.directory;
    return this.real;
  }

  /** The quick way: most paths lead over no link, which one call tells. */
  private withoutLinks(path: string): Located | undefined {
    if (!path.startsWith('/') || path.includes('/.') || hasStray(path)) return undefined;
    const host = this.hostOf(path);
    if (realPath(host) !== host) return undefined;
    const node = diskNode(host);
    return node && { host, path, stat: node.stat };
  }

  private look(place: string): DiskNode | undefined {
    const node = diskNode(this.hostOf(place));
    if (node) return node;
    const target = mergedUsr(place);
    if (target === undefined) return undefined;
    const stat = diskNode(this.hostOf(target))?.stat;
    return stat && { kind: 'symlink', target, stat };
  }
}

/** What is at a place of the host, a link not followed. */
export function diskNode(host: string): DiskNode | undefined {
  const path = hostPath(host);
  let stat: Stats | undefined;
  try {
    stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink())
      return { kind: 'symlink', stat, target: rawText(readlinkSync(path, { encoding: 'buffer' })) };
  } catch {
    // Not permitted, a name too long, ...: as good as not there.
    return undefined;
  }
  return stat && { kind: stat.isDirectory() ? 'directory' : 'file', stat };
}

/** Names in a directory of the host; undefined where it cannot be read. */
export function diskEntries(host: string): readonly DiskEntry[] | undefined {
  const path = hostPath(host);
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    if (!entries.some(({ name }) => name.includes('\ufffd')))
      return entries.map((entry) => ({ name: entry.name, ...kindOf(entry) }));
    // Names that are no UTF-8 have to be asked for as bytes.
    const names = readdirSync(path, { encoding: 'buffer' }).map(rawText);
    return names.map((name) => ({ name, ...kindOf(diskNode(`${host}/${name}`)?.stat) }));
  } catch {
    return undefined;
  }
}

function realPath(host: string): string | undefined {
  try {
    return realpathSync.native(host);
  } catch {
    return undefined;
  }
}

function kindOf(entry: Pick<Stats, 'isDirectory' | 'isFile'> | undefined): Pick<DiskEntry, 'kind'> {
  if (entry?.isDirectory()) return { kind: 'directory' };
  return entry?.isFile() ? { kind: 'file' } : {};
}

/** Reads what is a regular file still when it is open; nothing that opening would wait for or set off. */
function readRegular(host: string): Uint8Array | undefined {
  let fd: number;
  try {
    fd = openSync(hostPath(host), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    return fstatSync(fd).isFile() ? readFileSync(fd) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}
