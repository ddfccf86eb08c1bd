import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeWhole } from '../../files/node/write-whole.js';
import type { DebOptions } from '../../formats/archive/deb.js';
import { FormatError } from '../../formats/format-error.js';
import { decodeTarget, decodeTargetInfo, encodeTarget } from '../codec.js';
import { openLinuxTarget } from '../linux-open.js';
import { isLinuxInfo, type LinuxTarget } from '../linux-target.js';
import { linuxTarget, type SystemTarget } from '../open.js';
import { withImage } from '../parts.js';
import { readTargetParts } from '../source.js';
import type { TargetInfo } from '../target.js';
import { TargetError } from '../target-error.js';
import { BUNDLED_FILE, BUNDLED_FREEBSD, bundledFile, bundledParts, loadBundled } from './bundled.js';
import { DiskFindings } from './disk-findings.js';
import { imageFileOf, isStaleImage, openImageFile, writeImageFile } from './image-store.js';
import { sourceOfPath } from './path-source.js';
import { deflateCompressor, nodeDecompressor } from './zlib-codec.js';

const SUFFIX = '.modbox';
/** The index of a target's file fits into this. */
const INDEX_BYTES = 64 * 1024;

/** One target that can be had. */
export interface StoredTarget {
  readonly info: TargetInfo;
  /** Its file. */
  readonly file: string;
  readonly bytes: number;
  readonly bundled: boolean;
}

export interface AddOptions extends DebOptions {
  /** Which kernel, where the source has several. */
  readonly release?: string;
}

/** Where targets are cached: `$XDG_CACHE_HOME/modbox/targets`, `~/.cache` where that is not set. */
export function defaultTargetFolder(env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.XDG_CACHE_HOME;
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'modbox', 'targets');
}

/** The targets of this user: those added, in a folder of the cache, and the bundled ones. */
export class TargetStore {
  constructor(readonly folder: string = defaultTargetFolder()) {}

  /** Reads a kernel from `path` and keeps it. A target of the same name is replaced. */
  add(path: string, options: AddOptions = {}): LinuxTarget {
    const { source, release } = sourceOfPath(path, options);
    const parts = readTargetParts(source, { release: options.release ?? release });
    const file = this.fileOf(parts.info.name);
    mkdirSync(this.folder, { recursive: true });
    writeWhole(file, encodeTarget(parts, deflateCompressor));
    const image = parts.image?.();
    new DiskFindings(imageFileOf(file)).clear();
    if (image) writeImageFile(imageFileOf(file), image, parts.info.banner);
    return linuxTarget(this.open(file));
  }

  /** Every target, by name; one that was added stands before the bundled one of the same name. */
  list(): StoredTarget[] {
    const added = this.names().flatMap((name) => describeCached(join(this.folder, name)));
    const isAdded = ({ info: { name } }: StoredTarget): boolean =>
      added.some(({ info }) => info.name === name);
    const bundled = [BUNDLED_FILE, bundledFile(BUNDLED_FREEBSD)].map((file) => describe(file, true));
    return [...added, ...bundled.filter((target) => !isAdded(target))].sort((a, b) =>
      a.info.name < b.info.name ? -1 : 1,
    );
  }

  /** The target of that name (`linux/6.1.0-53-amd64`) or release (`6.1.0-53-amd64`), or undefined. */
  find(name: string): SystemTarget | undefined {
    return this.findWhere((info) => info.name === name || info.release === name);
  }

  /** As `find`, with an error that says what there is. */
  get(name: string): SystemTarget {
    const found = this.find(name);
    if (found !== undefined) return found;
    const known = this.list().map(({ info }) => info.name);
    throw new TargetError(`no target '${name}', only ${known.join(', ')}; modbox target add PATH adds one`);
  }

  /** The kernel that a module with this vermagic was built for, or undefined. */
  findByVermagic(vermagic: string): LinuxTarget | undefined {
    const found = this.findWhere((info) => isLinuxInfo(info) && info.vermagic.trim() === vermagic.trim());
    return found && linuxTarget(found);
  }

  /** The bundled target, with the image of its kernel where that was added. */
  bundled(): LinuxTarget {
    const { name, banner } = loadBundled();
    return openLinuxTarget(
      withImage(bundledParts(), () => openImageFile(imageFileOf(this.fileOf(name)), banner)),
    );
  }

  /** Whether another version of modbox stored the image of a target, so that it is not used until the target is added again. */
  hasStaleImage(name: string): boolean {
    return isStaleImage(imageFileOf(this.fileOf(name)));
  }

  /** Forgets an added target. Returns false where none has that name or release. */
  remove(name: string): boolean {
    const found = this.list().find(
      ({ info, bundled }) => !bundled && (info.name === name || info.release === name),
    );
    if (found === undefined) return false;
    rmSync(found.file);
    rmSync(imageFileOf(found.file), { force: true });
    new DiskFindings(imageFileOf(found.file)).clear();
    return true;
  }

  private findWhere(matches: (info: TargetInfo) => boolean): SystemTarget | undefined {
    const found = this.list().find(({ info }) => matches(info));
    if (!found?.bundled) return found && this.open(found.file);
    return found.info.name === BUNDLED_FREEBSD ? loadBundled(BUNDLED_FREEBSD) : loadBundled();
  }

  private open(file: string): SystemTarget {
    return decodeTarget(readFileSync(file), file, nodeDecompressor, (info) =>
      isLinuxInfo(info) ? openImageFile(imageFileOf(file), info.banner) : undefined,
    );
  }

  private names(): string[] {
    try {
      return readdirSync(this.folder).filter((name) => name.endsWith(SUFFIX));
    } catch {
      return [];
    }
  }

  private fileOf(name: string): string {
    return join(this.folder, name.replace(/[^\w.+-]/g, '-') + SUFFIX);
  }
}

/** A cached file of another version of modbox, or a damaged one, is as good as none. */
function describeCached(file: string): StoredTarget[] {
  try {
    return [describe(file, false)];
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

function describe(file: string, bundled: boolean): StoredTarget {
  const bytes = statSync(file).size;
  const head = Buffer.alloc(Math.min(bytes, INDEX_BYTES));
  const fd = openSync(file, 'r');
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  return { info: decodeTargetInfo(head, file), file, bytes, bundled };
}
