import type { Sleepable } from '../../kernel/effects.js';
import { EIO } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { HostServer } from './host-server.js';
import type { MaybeSleeps, OpenFile } from './open-file.js';

/** Content made by a function, anew whenever it is read from the start. */
export interface TextSource {
  text?(): MaybeSleeps<string | Uint8Array | number>;
  write?(text: string, bytes: Uint8Array, position: number): MaybeSleeps<number>;
}

/** Bytes of a string of characters 0 to 255. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** Serves files whose text the base kernel makes when they are read: /proc/uptime and its like. */
export class TextServer extends HostServer {
  private content: Uint8Array | undefined;

  constructor(
    k: LinuxKernel,
    private readonly source: TextSource,
  ) {
    super(k);
  }

  protected override *bytes(
    _open: OpenFile,
    position: number,
    count: number,
  ): Sleepable<Uint8Array | number> {
    if (!this.source.text) return -EIO;
    if (position === 0 || !this.content) {
      const made = yield* this.k.wait(this.source.text());
      if (typeof made === 'number') return made;
      this.content = typeof made === 'string' ? latin1(made) : made;
    }
    return this.content.subarray(position, position + count);
  }

  protected override *take(_open: OpenFile, bytes: Uint8Array, position: number): Sleepable<number> {
    if (!this.source.write) return -EIO;
    const text = String.fromCharCode(...bytes);
    const result = yield* this.k.wait(this.source.write(text, bytes, position));
    return result < 0 ? result : bytes.length;
  }
}
