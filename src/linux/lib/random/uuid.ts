import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { GUID_ORDER } from '../vsprintf/bytes.js';

const TEXT = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/;

/** UUIDs as text (RFC 4122, 3; lib/uuid.c). */
export class Uuid implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    uuid_is_valid: (text: Ptr) => TEXT.test(this.k.space.cstring(text, 36)),
    uuid_parse: (text: Ptr, out: Ptr) => this.parse(text, out, undefined),
    guid_parse: (text: Ptr, out: Ptr) => this.parse(text, out, GUID_ORDER),
  };

  readonly data = {
    guid_null: (at: Ptr) => this.k.space.writable(at, 16).fill(0),
    uuid_null: (at: Ptr) => this.k.space.writable(at, 16).fill(0),
  };

  private parse(text: Ptr, out: Ptr, order: readonly number[] | undefined): number {
    const value = this.k.space.cstring(text, 36);
    if (!TEXT.test(value)) return -EINVAL;
    const bytes = value.replaceAll('-', '').match(/../g) ?? [];
    const target = this.k.space.writable(out, bytes.length);
    for (const [i, byte] of bytes.entries()) target[order?.[i] ?? i] = Number.parseInt(byte, 16);
    return 0;
  }
}
