import { describe, expect, it } from 'vitest';
import { Random } from '../../testing/random.js';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';
import { Differential } from './testing/differential.js';
import { SUBJECTS } from './testing/subjects.js';

const target = await imageTarget();
/** Calls of each function. */
const CALLS = 60;

describe.skipIf(target === undefined)('TypeScript does what the target itself does in', () => {
  const differential = new Differential(target!, SUBJECTS);
  for (const subject of SUBJECTS)
    it(subject.name, () => {
      expect(differential.compare(subject, CALLS, new Random(1))).toBeUndefined();
      expect(differential.nativeFunctions).toContain(subject.name);
    });
});

describe.skipIf(target === undefined)('what the target compresses', () => {
  const ROOM = 8192;
  const WORK_MEMORY = 0x2_0000;
  const DATA = 4096;

  it('with runs of zeros (lzo-rle) TypeScript decompresses', () => {
    const { k, call } = guest({}, target!);
    const [data, packed, work, back, length] = [DATA, ROOM, WORK_MEMORY, ROOM, 8].map((size) =>
      k.permanent(size),
    );
    for (let i = 0; i < DATA; i++) k.space.bytes[data + i] = i % 100 < 60 ? 0 : i & 0xff;
    k.space.store64(length, BigInt(ROOM));
    expect(call.lzorle1x_1_compress(data, DATA, packed, length, work)).toBe(0);
    const size = Number(k.space.load64(length));
    k.space.store64(length, BigInt(ROOM));
    expect(call.lzo1x_decompress_safe(packed, size, back, length)).toBe(0);
    expect(k.space.readable(back, DATA)).toEqual(k.space.readable(data, DATA));
  });
});
