import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { jumpEntryAt, jumpPatch } from '../module/patch-sites.js';
import { guest } from '../testing/guest.js';
import { beyondOf, OFF_KEYS } from './beyond.js';

const target = await imageTarget();

describe.skipIf(target === undefined)('what the machine never has', () => {
  const { k, call } = guest({}, target!);
  call.rtc_month_days(1, 2024);

  it('is told by the name of the way into it, also of parts that the compiler made', () => {
    expect(beyondOf('shrink_node')).toBe('reclaim, swap and migration of pages');
    expect(beyondOf('shrink_node.isra.0')).toBe('reclaim, swap and migration of pages');
    expect(beyondOf('kmalloc_trace')).toBeUndefined();
  });

  it('control groups: the branches that lead to their controllers are off', () => {
    const table = k.native!.tables!.section('__jump_table')!;
    const size = k.sizeOf('jump_entry');
    const keys = new Set(OFF_KEYS.map((name) => k.space.fromAddress(target!.symbols.lookup(name)!.address)));
    let seen = 0;
    for (let at = table.address; at + size <= table.address + table.size; at += size) {
      const entry = jumpEntryAt(k, at);
      if (!keys.has(entry.key)) continue;
      seen++;
      const code = k.space.readable(entry.code, 5).slice();
      const { bytes } = jumpPatch(k, entry, false);
      expect(code.subarray(0, bytes.length)).toEqual(bytes);
    }
    expect(seen).toBeGreaterThan(0);
  });
});
