import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import type { CallRecord } from '../tools.js';

/** $MODBOX_MODULE_CALLS: a file, or the number of an open one. Lines are added to it; those that are there are answers. */
export class CallFile implements CallRecord {
  private readonly path: string;

  constructor(given: string) {
    this.path = /^\d+$/.test(given) ? `/dev/fd/${given}` : given;
  }

  /** A pipe has nothing to read. */
  text(): string {
    return statSync(this.path, { throwIfNoEntry: false })?.isFile() ? readFileSync(this.path, 'utf8') : '';
  }

  add(line: string): void {
    const fd = openSync(this.path, 'a');
    try {
      writeSync(fd, `${line}\n`);
    } finally {
      closeSync(fd);
    }
  }
}
