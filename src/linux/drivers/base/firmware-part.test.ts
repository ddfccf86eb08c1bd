import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../../kmod/index.js';
import { Machine } from '../../../machine/linux/machine.js';
import { loadBundled } from '../../../target/node/index.js';
import { isErr } from '../../errors.js';

const BYTES = Uint8Array.from({ length: 10 }, (_, at) => at + 1);

describe('firmware that a driver has room for', () => {
  const files = new MemoryFiles([['/lib/firmware/part.bin', BYTES]]);
  const { kernel: k } = Machine.boot({ target: loadBundled(), files });
  const name = k.constantString('part.bin');
  const slot = k.permanent(8);
  const buffer = k.permanent(16);

  /** What the call says, and how much the driver got, and what. */
  function part(size: number, offset: number): readonly [number, number, readonly number[]] {
    let result = 0;
    const task = k.processes.create(
      'test',
      (function* () {
        const fn = k.fn('request_partial_firmware_into_buf');
        result = yield* k.callAs('i:pppplL', fn, slot, name, 0, buffer, size, offset);
        return 0;
      })(),
    );
    k.scheduler.run(() => task.ended, k.clock.now + 1e9);
    const firmware = k.space.loadPtr(slot);
    expect(isErr(firmware)).toBe(false);
    const got = firmware === 0 ? 0 : k.struct('firmware').get(firmware, 'size');
    return [result, got, [...k.space.readable(buffer, got)]];
  }

  it('is read in parts, from where it says', () => {
    expect(part(4, 0)).toEqual([0, 4, [1, 2, 3, 4]]);
    expect(part(4, 4)).toEqual([0, 4, [5, 6, 7, 8]]);
    expect(part(4, 8)).toEqual([0, 2, [9, 10]]);
    expect(part(4, 12)).toEqual([0, 0, []]);
    expect(k.traps.reports).toEqual([]);
  });
});
