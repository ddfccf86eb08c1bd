import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL, ERANGE } from '../../errno.js';
import { guest } from '../../testing/guest.js';

const { k, call, struct } = guest();

function attribute(): { readonly attr: Ptr; readonly variable: Ptr } {
  const variable = k.permanent(8);
  return { attr: struct.dev_ext_attribute({ var: variable }), variable };
}

function store(kind: string, attr: Ptr, text: string): number {
  return call[`device_store_${kind}`](0, attr, k.constantString(text), text.length);
}

function show(kind: string, attr: Ptr): string {
  const page = k.pages.takePages(4096, 4096);
  const length = call[`device_show_${kind}`](0, attr, page);
  const text = k.space.cstring(page);
  expect(length).toBe(text.length);
  return text;
}

describe('an attribute that is a variable', () => {
  it('of unsigned long is read and written, in any base', () => {
    const { attr } = attribute();
    expect(store('ulong', attr, '0xffffffffffffffff\n')).toBe(19);
    expect(show('ulong', attr)).toBe('18446744073709551615\n');
    expect(store('ulong', attr, '0x10000000000000000')).toBe(-ERANGE);
    expect(store('ulong', attr, '-1')).toBe(-EINVAL);
    expect(store('ulong', attr, '7 ')).toBe(-EINVAL);
    expect(show('ulong', attr)).toBe('18446744073709551615\n');
  });

  it('of int is read and written; a long that is no int is no number', () => {
    const { attr } = attribute();
    expect(store('int', attr, '-2147483648')).toBe(11);
    expect(show('int', attr)).toBe('-2147483648\n');
    expect(store('int', attr, '2147483648')).toBe(-EINVAL);
    expect(store('int', attr, '9223372036854775808')).toBe(-ERANGE);
  });

  it('of bool takes what kstrtobool() takes, and leaves what is behind it alone', () => {
    const { attr, variable } = attribute();
    k.space.store32(variable, 0x0102_0300);
    expect(store('bool', attr, 'on\n')).toBe(3);
    expect(show('bool', attr)).toBe('1\n');
    expect(k.space.load32(variable)).toBe(0x0102_0301);
    expect(store('bool', attr, 'maybe')).toBe(-EINVAL);
  });
});
