import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { guest } from '../testing/guest.js';

const { k, call, struct, reports } = guest();

function queue(): Ptr {
  const q = struct.request_queue();
  call.__init_waitqueue_head(k.struct('request_queue').addr(q, 'mq_freeze_wq'), 0, 0);
  return q;
}

describe('a queue that only requests of power management pass', () => {
  const pmOnly = (q: Ptr): number => k.struct('request_queue').get(q, 'pm_only.counter');

  it('is one as often as that was said, until it was taken back as often', () => {
    const q = queue();
    call.blk_set_pm_only(q);
    call.blk_set_pm_only(q);
    expect(pmOnly(q)).toBe(2);
    call.blk_clear_pm_only(q);
    call.blk_clear_pm_only(q);
    expect(pmOnly(q)).toBe(0);
    expect(reports()).toEqual([]);
  });

  it('warns, once, of who takes back what was not said', () => {
    const q = queue();
    call.blk_clear_pm_only(q);
    call.blk_clear_pm_only(q);
    expect(reports().map(({ kind }) => kind)).toEqual(['warning']);
  });
});
