import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { E2BIG, EINVAL, ERANGE } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { type Attribute, attributeAt, attributes, NLA_F_NESTED, NLA_HDRLEN } from './attributes.js';

/** How strict parsing is (enum netlink_validation, include/net/netlink.h). */
const TRAILING = 1 << 0;
const MAXTYPE = 1 << 1;
const UNSPEC = 1 << 2;
const STRICT_ATTRS = 1 << 3;
const NESTED = 1 << 4;

/** Reading netlink attributes: parsing against a policy, and copies out of them (lib/nlattr.c). */
export class NetlinkAttributes implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __nla_parse: (
      table: Ptr,
      maxType: number,
      head: Ptr,
      length: number,
      policy: Ptr,
      validate: number,
      extack: Ptr,
    ) => {
      this.k.space.writable(table, (maxType + 1) * 8).fill(0);
      return this.parse(table, maxType, head, length, policy, validate, extack);
    },
    __nla_validate: (
      head: Ptr,
      length: number,
      maxType: number,
      policy: Ptr,
      validate: number,
      extack: Ptr,
    ) => this.parse(0, maxType, head, length, policy, validate, extack),
    nla_find: (head: Ptr, length: number, type: number) => this.find(head, length, type),
    nla_memcpy: (to: Ptr, at: Ptr, size: number) => this.copy(to, at, size),
    nla_memcmp: (at: Ptr, data: Ptr, size: number) => {
      const { length, data: own } = attributeAt(this.k, at);
      return length - size || this.compare(own, data, size);
    },
    nla_strcmp: (at: Ptr, text: Ptr) => this.compareText(at, this.k.space.cstring(text)),
    nla_strscpy: (to: Ptr, at: Ptr, size: number) => this.copyText(to, at, size),
    nla_strdup: (at: Ptr) => this.duplicate(at),
  };

  private parse(
    table: Ptr,
    maxType: number,
    head: Ptr,
    length: number,
    policy: Ptr,
    validate: number,
    extack: Ptr,
  ): number {
    const { k } = this;
    const stream = attributes(k, head, length);
    for (;;) {
      const step = stream.next();
      if (step.done) return this.trailing(step.value, validate, extack);
      const attribute = step.value;
      if (attribute.type === 0 || attribute.type > maxType) {
        if (validate & MAXTYPE) return this.refuse(extack, attribute, 'Unknown attribute type', -EINVAL);
        continue;
      }
      if (policy !== 0) {
        const entry = policy + attribute.type * k.struct('nla_policy').size;
        const error = this.check(attribute, entry, validate, extack);
        if (error < 0) return error;
      }
      if (table !== 0) k.space.storePtr(table + attribute.type * 8, attribute.at);
    }
  }

  private trailing(left: number, validate: number, extack: Ptr): number {
    if (left === 0) return 0;
    const { k } = this;
    const who = k.struct('task_struct').text(k.current, 'comm');
    k.log.line(
      `netlink: ${left} bytes leftover after parsing attributes in process \`${who}'.`,
      LOGLEVEL_WARNING,
    );
    if ((validate & TRAILING) === 0) return 0;
    if (extack !== 0)
      k.struct('netlink_ext_ack').set(
        extack,
        '_msg',
        k.constantString('bytes leftover after parsing attributes'),
      );
    return -EINVAL;
  }

  /** validate_nla(): type and length of an attribute against its policy. */
  private check(attribute: Attribute, policy: Ptr, validate: number, extack: Ptr): number {
    const { k } = this;
    const entry = k.struct('nla_policy');
    const type = entry.get(policy, 'type');
    const wanted = entry.get(policy, 'len');
    const { length } = attribute;
    const kind = this.kind(type);
    const size = FIXED[kind];
    if (size !== undefined && length !== size) {
      const fatal = (validate & STRICT_ATTRS) !== 0 || length < size;
      if (fatal) return this.refuse(extack, attribute, 'Attribute failed policy validation', -ERANGE);
    }
    if (validate & NESTED) {
      const nested = kind === 'NLA_NESTED' || kind === 'NLA_NESTED_ARRAY';
      const flagged = (attribute.flags & NLA_F_NESTED) !== 0;
      if (nested && !flagged) return this.refuse(extack, attribute, 'NLA_F_NESTED is missing', -EINVAL);
      if (!nested && kind !== 'NLA_UNSPEC' && flagged)
        return this.refuse(extack, attribute, 'NLA_F_NESTED not expected', -EINVAL);
    }
    const failed = this.checkLength(kind, attribute, wanted, validate);
    return failed < 0 ? this.refuse(extack, attribute, 'Attribute failed policy validation', failed) : 0;
  }

  private checkLength(kind: string, attribute: Attribute, wanted: number, validate: number): number {
    const { length } = attribute;
    switch (kind) {
      case 'NLA_REJECT':
        return -EINVAL;
      case 'NLA_FLAG':
        return length > 0 ? -ERANGE : 0;
      case 'NLA_NUL_STRING':
        return this.terminated(attribute, wanted) ? 0 : -EINVAL;
      case 'NLA_STRING':
        return length < 1 || (wanted !== 0 && this.textLength(attribute) > wanted) ? -ERANGE : 0;
      case 'NLA_BINARY':
        return wanted !== 0 && length > wanted ? -ERANGE : 0;
      case 'NLA_NESTED':
      case 'NLA_NESTED_ARRAY':
        return length !== 0 && length < NLA_HDRLEN ? -ERANGE : 0;
      case 'NLA_UNSPEC':
        if (validate & UNSPEC) return -EINVAL;
        return length < wanted ? -ERANGE : 0;
      default:
        return wanted !== 0 && length < wanted ? -ERANGE : 0;
    }
  }

  private terminated(attribute: Attribute, wanted: number): boolean {
    const limit = wanted === 0 ? attribute.length : Math.min(attribute.length, wanted + 1);
    return limit > 0 && this.k.space.readable(attribute.data, limit).includes(0);
  }

  private textLength(attribute: Attribute): number {
    const bytes = this.k.space.readable(attribute.data, attribute.length);
    return bytes[bytes.length - 1] === 0 ? bytes.length - 1 : bytes.length;
  }

  private kind(type: number): string {
    return KINDS.find((name) => this.k.types.findEnumValue(name) === type) ?? '';
  }

  private refuse(extack: Ptr, attribute: Attribute, message: string, error: number): number {
    if (extack !== 0) {
      const type = this.k.struct('netlink_ext_ack');
      type.set(extack, 'bad_attr', attribute.at);
      type.set(extack, '_msg', this.k.constantString(message));
    }
    return error;
  }

  private find(head: Ptr, length: number, type: number): Ptr {
    for (const attribute of attributes(this.k, head, length))
      if (attribute.type === type) return attribute.at;
    return 0;
  }

  private copy(to: Ptr, at: Ptr, size: number): number {
    const { space } = this.k;
    const attribute = attributeAt(this.k, at);
    const count = Math.min(size, attribute.length);
    const target = space.writable(to, size);
    target.set(space.readable(attribute.data, count));
    target.fill(0, count);
    return count;
  }

  private compare(a: Ptr, b: Ptr, size: number): number {
    const { space } = this.k;
    const other = space.readable(b, size);
    const own = space.readable(a, size);
    const at = own.findIndex((byte, i) => byte !== other[i]);
    return at < 0 ? 0 : own[at] - other[at];
  }

  private compareText(at: Ptr, text: string): number {
    const attribute = attributeAt(this.k, at);
    const own = this.k.space.cstring(attribute.data, attribute.length);
    if (own.length !== text.length) return own.length - text.length;
    return own === text ? 0 : own < text ? -1 : 1;
  }

  /** nla_strscpy(): length of the text, or -E2BIG where it was cut. */
  private copyText(to: Ptr, at: Ptr, size: number): number {
    if (size === 0) return -E2BIG;
    const attribute = attributeAt(this.k, at);
    const length = this.textLength(attribute);
    const { space } = this.k;
    const count = Math.min(length, size - 1);
    const target = space.writable(to, size);
    target.set(space.readable(attribute.data, count));
    target.fill(0, count);
    return length >= size ? -E2BIG : length;
  }

  private duplicate(at: Ptr): Ptr {
    const attribute = attributeAt(this.k, at);
    const length = this.textLength(attribute);
    const { space } = this.k;
    const copy = this.k.slab.allocateBytes(length + 1, true);
    if (copy === 0) return 0;
    space.writable(copy, length).set(space.readable(attribute.data, length));
    return copy;
  }
}

const KINDS = [
  'NLA_UNSPEC',
  'NLA_U8',
  'NLA_U16',
  'NLA_U32',
  'NLA_U64',
  'NLA_STRING',
  'NLA_FLAG',
  'NLA_MSECS',
  'NLA_NESTED',
  'NLA_NESTED_ARRAY',
  'NLA_NUL_STRING',
  'NLA_BINARY',
  'NLA_S8',
  'NLA_S16',
  'NLA_S32',
  'NLA_S64',
  'NLA_BITFIELD32',
  'NLA_REJECT',
  'NLA_BE16',
  'NLA_BE32',
] as const;

/** Payloads of the kinds whose length is fixed. */
const FIXED: Readonly<Record<string, number>> = {
  NLA_U8: 1,
  NLA_S8: 1,
  NLA_U16: 2,
  NLA_S16: 2,
  NLA_BE16: 2,
  NLA_U32: 4,
  NLA_S32: 4,
  NLA_BE32: 4,
  NLA_U64: 8,
  NLA_S64: 8,
  NLA_MSECS: 8,
  NLA_BITFIELD32: 8,
};
