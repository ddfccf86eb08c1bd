import { existsSync, realpathSync } from 'node:fs';
import { release as hostRelease } from 'node:os';
import { resolve } from 'node:path';
import {
  DiskFiles,
  DiskIndexCache,
  DiskWriter,
  type FileSource,
  FileTreeKernel,
  moduleSize,
  RecordingKernel,
  type RunningKernel,
  type ToolHost,
} from '../tools.js';
import { CallFile } from './call-file.js';
import { openRoot } from './open-root.js';
import { bytesFor, printError } from './output.js';

/** Bytes that are gathered before they are written: a tool may print a hundred thousand short lines. */
const BUFFERED = 1 << 16;

/**
 * Standard output in large pieces, in order with standard error. Written at once when asked: a process that ends right
 * after must have written all.
 */
class Output {
  private pieces: Buffer[] = [];
  private size = 0;

  out(data: string | Uint8Array): void {
    // A copy: a tool may use its buffer again.
    const bytes = Buffer.from(bytesFor(process.stdout, data));
    this.pieces.push(bytes);
    this.size += bytes.length;
    if (this.size >= BUFFERED) this.flush();
  }

  err(text: string): void {
    this.flush();
    printError(text);
  }

  flush(): void {
    if (this.size === 0) return;
    process.stdout.write(Buffer.concat(this.pieces));
    this.pieces = [];
    this.size = 0;
  }
}

export interface CliHost extends ToolHost<never> {
  /** The directory that stands for "/", "" for the disk itself. */
  readonly root: string;
  /** Writes what is still kept. */
  flush(): void;
}

/** Where kmod's tools run outside of a machine: MODBOX_ROOT stands for '/', MODBOX_UNAME_R for `uname -r`. */
export function cliHost(): CliHost {
  const root = process.env.MODBOX_ROOT ?? '';
  const files = root === '' ? new DiskFiles('') : rootFiles(root);
  const output = new Output();
  const release = process.env.MODBOX_UNAME_R || hostRelease();
  return {
    root,
    files,
    writer: new DiskWriter(root),
    absolute: (path) => absolutePath(root, path),
    release,
    environment: process.env,
    indexCache: new DiskIndexCache(),
    kernel: kernelOf(files, release),
    out: (data) => output.out(data),
    err: (text) => output.err(text),
    flush: () => output.flush(),
  };
}

/** What /proc and /sys of the tree tell of, or, with $MODBOX_MODULE_CALLS, what answers and records calls. */
function kernelOf(files: FileSource, release: string): RunningKernel<never> {
  const calls = process.env.MODBOX_MODULE_CALLS;
  if (!calls) return new FileTreeKernel(files);
  return new RecordingKernel(files, new CallFile(calls), (elf) => moduleSize(elf, release));
}

/** MODBOX_ROOT; one that is not there is an empty tree. */
function rootFiles(root: string): FileSource {
  return existsSync(root) ? openRoot(root) : new DiskFiles(root);
}

/** As libkmod makes a path absolute: what is there stays as it is, '..' and doubled slashes too. */
function absolutePath(root: string, path: string): string {
  return path.startsWith('/') ? path : `${workingDirectory(root)}/${path}`;
}

/** Where the user is, by its name within the root where it lies below that. */
function workingDirectory(root: string): string {
  const here = process.cwd();
  const top = root === '' ? '/' : existsSync(root) ? realpathSync(root) : resolve(root);
  if (top === '/') return here === '/' ? '' : here;
  return here === top || here.startsWith(`${top}/`) ? here.slice(top.length) : here;
}
