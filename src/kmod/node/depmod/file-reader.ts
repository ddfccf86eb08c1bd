import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { hostPath } from '../../../files/node/disk-root.js';
import { factsOfFailure, factsOfFile, type ModuleFacts, Names } from '../../depmod/facts.js';
import { KmodError } from '../../kmod-error.js';

const FIRST_BYTES = 1 << 20;

/** Reads facts of one module's file after the other, all into the same memory. */
export class FactsReader {
  private readonly names = new Names();
  private buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);

  /** `path` is the host's; `file` what errors call it. */
  read(path: string, file: string): ModuleFacts {
    try {
      return factsOfFile(this.content(path), file, this.names);
    } catch (error) {
      const { errno } = error as NodeJS.ErrnoException;
      if (typeof errno !== 'number' || errno >= 0) throw error;
      return factsOfFailure(new KmodError(-errno, file, undefined, (error as Error).message));
    }
  }

  /** Valid until the next file is read. */
  private content(path: string): Uint8Array {
    const fd = openSync(hostPath(path), 'r');
    try {
      // A byte more than it should have tells that it grew meanwhile.
      const expected = fstatSync(fd).size + 1;
      if (expected > this.buffer.length) this.grow(expected, 0);
      let length = 0;
      for (;;) {
        const count = readSync(fd, this.buffer, length, this.buffer.length - length, null);
        if (count === 0) return this.buffer.subarray(0, length);
        length += count;
        if (length === this.buffer.length) this.grow(length * 2, length);
      }
    } finally {
      closeSync(fd);
    }
  }

  private grow(size: number, used: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(size, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, used);
    this.buffer = larger;
  }
}
