import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

/**
 * Writes a file that a user named so that it is there wholly or not at all: beside it, and renamed. A device or a pipe
 * (`/dev/stdout`) is written to as it is. Where it fails nothing is left, and the error names the file that was meant.
 */
export function writeWhole(path: string, content: string | Uint8Array, mode = 0o666): void {
  const old = statSync(path, { throwIfNoEntry: false });
  if (old && !old.isFile()) {
    writeFileSync(path, content);
    return;
  }
  // Through a link to the file itself: who named it means that one.
  const place = old ? realpathSync(path) : path;
  const beside = `${place}.${process.pid}.${randomBytes(4).toString('hex')}.new`;
  try {
    writeNew(beside, typeof content === 'string' ? Buffer.from(content) : content, mode, old?.mode);
    renameSync(beside, place);
  } catch (error) {
    rmSync(beside, { force: true });
    throw Object.assign(error as NodeJS.ErrnoException, { path });
  }
}

function writeNew(path: string, bytes: Uint8Array, mode: number, exact: number | undefined): void {
  const fd = openSync(path, 'wx', mode);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    if (exact !== undefined) fchmodSync(fd, exact & 0o7777);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
