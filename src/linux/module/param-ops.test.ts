import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { EINVAL, ENOSPC, ERANGE, EROFS } from '../errno.js';
import { type Guest, guest } from '../testing/guest.js';

let g: Guest;
/** What the parameter's variable is. */
let variable: Ptr;
let param: Ptr;
let page: Ptr;

beforeAll(() => {
  g = guest();
  variable = g.k.slab.allocateBytes(64, true);
  page = g.k.pages.allocate(0);
  param = g.struct.kernel_param({ name: g.k.constantString('depth'), arg: variable });
});

const text = (value: string): Ptr => {
  const at = g.k.slab.allocateBytes(value.length + 1, true);
  g.k.space.storeCstring(at, value);
  return at;
};
const set = (type: string, value: string): number => g.call[`param_set_${type}`](text(value), param);
/** What a read of the parameter's file shows. */
const show = (type: string): string => {
  const length = g.call[`param_get_${type}`](page, param);
  return g.k.space.cstring(page).slice(0, length);
};
const lastLine = (): string | undefined => g.k.log.linesFrom(0).at(-1);

describe('a parameter that is a number', () => {
  it('is decimal, octal or hexadecimal, and shown as decimal', () => {
    expect(set('int', '-12')).toBe(0);
    expect(show('int')).toBe('-12\n');
    expect(set('uint', '0x1f')).toBe(0);
    expect(show('uint')).toBe('31\n');
    expect(set('ushort', '010\n')).toBe(0);
    expect(show('ushort')).toBe('8\n');
  });

  it('has to fit, and to be a number to its end', () => {
    set('byte', '7');
    expect(set('byte', '256')).toBe(-ERANGE);
    expect(set('byte', '-1')).toBe(-EINVAL);
    expect(set('byte', '12x')).toBe(-EINVAL);
    expect(set('byte', '')).toBe(-EINVAL);
    expect(show('byte')).toBe('7\n');
  });

  it('is 64 bits wide where it says so', () => {
    expect(set('ullong', '18446744073709551615')).toBe(0);
    expect(show('ullong')).toBe('18446744073709551615\n');
    expect(show('long')).toBe('-1\n');
  });
});

describe('a parameter that is true or false', () => {
  it.each([
    ['y', 'Y\n'],
    ['On', 'Y\n'],
    ['1', 'Y\n'],
    ['n', 'N\n'],
    ['off', 'N\n'],
    ['0', 'N\n'],
  ])('takes %s', (value, shown) => {
    expect(set('bool', value)).toBe(0);
    expect(show('bool')).toBe(shown);
  });

  it('takes nothing else, and is true without a value', () => {
    expect(set('bool', 'maybe')).toBe(-EINVAL);
    expect(g.call.param_set_bool(0, param)).toBe(0);
    expect(show('bool')).toBe('Y\n');
  });

  it('stays true where it can only be turned on', () => {
    set('bool', 'n');
    expect(set('bool_enable_only', 'n')).toBe(0);
    expect(set('bool_enable_only', 'y')).toBe(0);
    expect(set('bool_enable_only', 'n')).toBe(-EROFS);
    expect(show('bool')).toBe('Y\n');
  });

  it('says the opposite where it is inverted', () => {
    expect(set('invbool', 'y')).toBe(0);
    expect(show('bool')).toBe('N\n');
    expect(show('invbool')).toBe('Y\n');
  });
});

describe('a parameter that is text', () => {
  it('is a copy of its own, given back with the next one', () => {
    g.k.space.storePtr(variable, 0);
    expect(show('charp')).toBe('(null)\n');
    expect(set('charp', 'first')).toBe(0);
    const first = g.k.space.loadPtr(variable);
    expect(set('charp', 'second')).toBe(0);
    expect(show('charp')).toBe('second\n');
    expect(g.k.ledger.get(first)).toBeUndefined();
    g.call.param_free_charp(variable);
    expect(g.k.ledger.get(g.k.space.loadPtr(variable))).toBeUndefined();
  });

  it('may have 1024 characters', () => {
    g.k.space.storePtr(variable, 0);
    expect(set('charp', 'x'.repeat(1025))).toBe(-ENOSPC);
    expect(lastLine()).toBe('depth: string parameter too long');
    expect(set('charp', 'x'.repeat(1024))).toBe(0);
    g.call.param_free_charp(variable);
  });

  it('fits into the array that it is copied to', () => {
    const string = g.struct.kparam_string({ maxlen: 4, string: variable });
    const copied = g.struct.kernel_param({ name: g.k.constantString('mode'), arg: string });
    expect(g.call.param_set_copystring(text('slow'), copied)).toBe(-ENOSPC);
    expect(lastLine()).toBe("mode: string doesn't fit in 3 chars.");
    expect(g.call.param_set_copystring(text('off'), copied)).toBe(0);
    expect(g.k.space.cstring(variable)).toBe('off');
  });
});

describe('a parameter that is an array', () => {
  let array: Ptr;
  let count: Ptr;
  const ops = (): Ptr => g.k.symbol('param_array_ops');
  const type = () => g.k.struct('kernel_param_ops');
  const setAll = (value: string): number => g.run(() => type().call(ops(), 'set', text(value), array));

  beforeAll(() => {
    count = g.k.slab.allocateBytes(4, true);
    const members = { max: 3, elemsize: 4, num: count, elem: variable, ops: g.k.symbol('param_ops_int') };
    const described = g.struct.kparam_array(members);
    array = g.struct.kernel_param({ name: g.k.constantString('ports'), arg: described });
  });

  it('is a list with commas, and counts what was given', () => {
    expect(setAll('1,0x2,-3')).toBe(0);
    expect(g.k.space.load32(count)).toBe(3);
    const length = g.run(() => type().call(ops(), 'get', page, array));
    expect(g.k.space.cstring(page).slice(0, length)).toBe('1,2,-3\n');
    expect(setAll('7')).toBe(0);
    expect(g.k.space.load32(count)).toBe(1);
  });

  it('takes no more than it has room for', () => {
    expect(setAll('1,2,3,4')).toBe(-EINVAL);
    expect(lastLine()).toBe('ports: can only take 3 arguments');
    expect(g.k.space.load32(count)).toBe(3);
  });

  it('ends at the first element that its type does not take', () => {
    expect(setAll('5,x,6')).toBe(-EINVAL);
    expect(g.k.space.load32(count)).toBe(1);
  });

  it('is set by the functions of a module, too', () => {
    const own = g.struct.kernel_param_ops();
    const seen: string[] = [];
    type().bind(own, 'set', 'test_param_set', (value: Ptr) => seen.push(g.k.space.cstring(value)) - 2);
    const described = g.k.struct('kernel_param').get(array, 'arg');
    g.k.struct('kparam_array').set(described, 'ops', own);
    // The second element's function gives 0, the first one's an error.
    expect(setAll('a,b')).toBe(-1);
    expect(setAll('b')).toBe(0);
    expect(seen).toEqual(['a', 'b']);
  });
});
