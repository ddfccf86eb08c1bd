import type { FileEntry, FileInfo, FileSource } from '../files/file-source.js';
import { DIRECTORY } from '../files/file-source.js';
import { mergedUsr } from '../files/merged-usr.js';
import { S_IFMT } from '../files/mode.js';
import { type Resolution, resolveInRoot } from '../files/resolve-path.js';
import { initramfsEntries, isCpio } from '../formats/archive/cpio.js';
import { debFiles, isDeb } from '../formats/archive/deb.js';
import { isTar, type TarEntry, tarEntries } from '../formats/archive/tar.js';
import { compressionOf, unpack } from '../formats/compressed/unpack.js';

const MODE_BITS = 0o7777;
/** More than any package or image of an operating system's kernel has. */
const MAX_UNPACKED = 2 ** 31 - 1;

interface ArchiveNode extends FileInfo {
  readonly content?: Uint8Array;
}

/** The files of an archive as a tree: links lead within it, and nothing is unpacked to the disk. */
export class ArchiveFiles implements FileSource {
  private readonly nodes = new Map<string, ArchiveNode>();
  private readonly names = new Map<string, Set<string>>([['/', new Set()]]);

  /**
   * A Debian package, a tar archive, or an initramfs image (cpio archives behind each other), packed or not; undefined for
   * anything else. Throws FormatError for one that is damaged.
   */
  static open(bytes: Uint8Array, file: string): ArchiveFiles | undefined {
    const files = new ArchiveFiles();
    if (isDeb(bytes)) return files.addTar(debFiles(bytes, file, () => true));
    if (isTar(bytes)) return files.addTar(tarEntries([bytes], file, () => true));
    const start = bytes.findIndex((byte) => byte !== 0);
    if (start >= 0 && isCpio(bytes.subarray(start))) return files.addInitramfs(bytes, file);
    if (compressionOf(bytes) === 'none') return undefined;
    const inner = unpack(bytes, file, MAX_UNPACKED);
    return ArchiveFiles.open(inner, file);
  }

  read(path: string): Uint8Array | undefined {
    const found = this.resolve(path);
    return found.kind === 'found' ? found.node.content : undefined;
  }

  list(path: string): readonly FileEntry[] | undefined {
    const found = this.resolve(path);
    const names = found.kind === 'found' ? this.names.get(found.path) : undefined;
    return names && [...names].sort().map((name) => ({ name, kind: this.kindOf(`${path}/${name}`) }));
  }

  stamp(path: string): string | undefined {
    const found = this.resolve(path);
    return found.kind === 'found' ? `${found.node.size}:${found.node.mtime}` : undefined;
  }

  info(path: string): FileInfo | undefined {
    const found = this.resolve(path, false);
    if (found.kind === 'missing') return undefined;
    const { content: _, ...info } = found.node;
    return info;
  }

  private resolve(path: string, follow = true): Resolution<ArchiveNode> {
    return resolveInRoot<ArchiveNode>(path, (place) => this.look(place), DIRECTORY, { follow });
  }

  private look(place: string): ArchiveNode | undefined {
    const node = this.nodes.get(place);
    if (node) return node;
    const target = mergedUsr(place);
    return target !== undefined && this.nodes.has(target)
      ? { kind: 'symlink', target, size: 0, mode: 0o777, mtime: 0 }
      : undefined;
  }

  private kindOf(path: string): FileEntry['kind'] {
    const found = this.resolve(path);
    if (found.kind === 'missing' || found.node.format !== undefined) return 'other';
    return found.node.kind === 'directory' ? 'directory' : 'file';
  }

  private addTar(entries: Iterable<TarEntry>): this {
    for (const { path, type, mode, link, data } of entries) {
      const common = { size: data?.length ?? 0, mode: mode & MODE_BITS, mtime: 0 };
      switch (type) {
        case 'directory':
          this.add(path, { kind: 'directory', ...common });
          break;
        case 'symlink':
          this.add(path, { kind: 'symlink', target: link, ...common });
          break;
        case 'hardlink': {
          const same = this.nodes.get(clean(link));
          if (same) this.add(path, same);
          break;
        }
        case 'file':
          this.add(path, { kind: 'file', ...common, content: data ?? new Uint8Array() });
          break;
        case 'other':
          this.add(path, { kind: 'file', ...common, format: 0 });
          break;
      }
    }
    return this;
  }

  private addInitramfs(bytes: Uint8Array, file: string): this {
    for (const { path, type, mode, mtime, link, data } of initramfsEntries(bytes, file)) {
      const common = { size: data.length, mode: mode & MODE_BITS, mtime };
      if (type === 'directory') this.add(path, { kind: 'directory', ...common });
      else if (type === 'symlink') this.add(path, { kind: 'symlink', target: link, ...common });
      else if (type === 'file') this.add(path, { kind: 'file', ...common, content: data });
      else this.add(path, { kind: 'file', ...common, format: mode & S_IFMT });
    }
    return this;
  }

  /** Adds what is at a path, and the directories above it. A later one of the same path takes its place. */
  private add(given: string, node: ArchiveNode): void {
    const path = clean(given);
    if (path === '/') return;
    const slash = path.lastIndexOf('/');
    const parent = path.slice(0, slash) || '/';
    if (parent !== '/' && this.nodes.get(parent)?.kind !== 'directory' && !this.nodes.has(parent))
      this.add(parent, DIRECTORY);
    this.nodes.set(path, node);
    this.names.get(parent)?.add(path.slice(slash + 1));
    if (node.kind === 'directory' && !this.names.has(path)) this.names.set(path, new Set());
  }
}

/** A path of an archive, absolute; '..' does not lead above the root. */
function clean(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}
