import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';

/** Layout of netlink messages (include/uapi/linux/netlink.h): attributes are padded to 4 bytes. */
export const NLA_HDRLEN = 4;
const NLA_TYPE_MASK = 0x3fff;
export const NLA_F_NESTED = 0x8000;

export function nlaAlign(bytes: number): number {
  return (bytes + 3) & ~3;
}

export interface Attribute {
  readonly at: Ptr;
  /** Type without its flags. */
  readonly type: number;
  readonly flags: number;
  readonly data: Ptr;
  /** Bytes of payload. */
  readonly length: number;
}

export function attributeAt(k: LinuxKernel, at: Ptr): Attribute {
  const length = k.space.load16(at);
  const type = k.space.load16(at + 2);
  return {
    at,
    type: type & NLA_TYPE_MASK,
    flags: type & ~NLA_TYPE_MASK,
    data: at + NLA_HDRLEN,
    length: length - NLA_HDRLEN,
  };
}

/** The attributes in a stream, up to the first that does not fit in it. */
export function* attributes(k: LinuxKernel, head: Ptr, bytes: number): Generator<Attribute, number> {
  let at = head;
  let left = bytes;
  while (left >= NLA_HDRLEN) {
    const total = k.space.load16(at);
    if (total < NLA_HDRLEN || total > left) break;
    yield attributeAt(k, at);
    at += nlaAlign(total);
    left -= nlaAlign(total);
  }
  return Math.max(left, 0);
}
