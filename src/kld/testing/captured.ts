import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Output } from '../host.js';

/** What a program wrote. */
export class Captured implements Output {
  stdout = '';
  stderr = '';
  private readonly decoder = new TextDecoder();

  out = (data: string | Uint8Array): void => {
    this.stdout += typeof data === 'string' ? data : this.decoder.decode(data);
  };

  err = (text: string): void => {
    this.stderr += text;
  };
}

/** A module of tests/modules/freebsd/hints. */
export function hintsModule(name: string): Uint8Array {
  return new Uint8Array(
    readFileSync(join(import.meta.dirname, '../../../tests/modules/freebsd/hints', name)),
  );
}
