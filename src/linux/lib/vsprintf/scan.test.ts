import { describe, expect, it } from 'vitest';
import { TestGuest } from '../testing/guest.js';
import { scan } from './scan.js';
import { listOf } from './va-list.js';

const guest = new TestGuest();

/** Scans into fresh 64-byte buffers; the count and what the first `results` of them hold. */
function run(text: string, format: string, read: ('i' | 's' | 'l')[]): unknown[] {
  const buffers = read.map(() => guest.alloc(64));
  const args = listOf(
    guest.space,
    buffers.map((at) => guest.address(at)),
  );
  const count = scan(guest.space, guest.text(text), guest.text(format), args);
  const values = read.map((kind, i) => {
    if (kind === 's') return guest.space.cstring(buffers[i]);
    return kind === 'i'
      ? guest.space.loadInt32(buffers[i])
      : BigInt.asIntN(64, guest.space.load64(buffers[i]));
  });
  return [count, ...values];
}

describe('scan', () => {
  it.each<[string, string, ('i' | 's' | 'l')[], unknown[]]>([
    ['12 -7', '%d %d', ['i', 'i'], [2, 12, -7]],
    ['0x1f,017,9', '%i,%i,%i', ['i', 'i', 'i'], [3, 31, 15, 9]],
    ['ff:0A', '%x:%x', ['i', 'i'], [2, 255, 10]],
    ['123456', '%2d%3d%d', ['i', 'i', 'i'], [3, 12, 345, 6]],
    ['hello  world', '%s %s', ['s', 's'], [2, 'hello', 'world']],
    ['hello', '%3s', ['s'], [1, 'hel']],
    ['key=value;x', '%7[^=]=%s', ['s', 's'], [2, 'key', 'value;x']],
    ['abc123', '%9[abc]%d', ['s', 'i'], [2, 'abc', 123]],
    ['5 apples', '%*d %s', ['s'], [1, 'apples']],
    ['10%', '%d%%%n', ['i', 'i'], [1, 10, 3]],
    ['-9223372036854775808', '%lld', ['l'], [1, -(2n ** 63n)]],
    ['x', '%d', ['i'], [0, 0]],
    ['1,x', '%d,%d', ['i', 'i'], [1, 1, 0]],
    ['', '%d', ['i'], [0, 0]],
    ['AB', '%c', ['s'], [1, 'A']],
  ])('%j as %j', (text, format, read, expected) => {
    expect(run(text, format, read)).toEqual(expected);
  });
});
