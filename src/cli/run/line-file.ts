import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** A file that lines are added to: each is there wholly or, where the disk is full, not at all. */
export class LineFile {
  private readonly fd: number;

  /** Throws the system's error where it cannot be written to. */
  constructor(
    private readonly path: string,
    keep: boolean,
  ) {
    this.fd = openSync(path, keep ? 'a' : 'w');
  }

  /** Throws the system's error, with the file's name, after taking away what was written of the line. */
  write(line: string): void {
    const before = fstatSync(this.fd);
    const bytes = Buffer.from(line);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    } catch (error) {
      if (before.isFile()) ftruncateSync(this.fd, before.size);
      throw Object.assign(error as NodeJS.ErrnoException, { path: this.path });
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}
