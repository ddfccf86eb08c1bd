import { describe, expect, it } from 'vitest';
import { loadBundled } from '../target/node/index.js';
import { NearestNames } from './nearest.js';

const { exports } = loadBundled();
const names = new NearestNames(exports.keys());

describe('names like a missing one', () => {
  it('are those that it was renamed to, or mistyped from', () => {
    expect(names.of('prink', 3)).not.toContain('prink');
    expect(names.of('_printkk', 3)[0]).toBe('_printk');
    expect(names.of('timers_delete_sync', 3)[0]).toBe('timer_delete_sync');
    expect(names.of('kmalloc_noprof', 5).length).toBeLessThanOrEqual(5);
    expect(names.of('register_netdev', 1)).toEqual(['register_netdev']);
  });

  it('are none where nothing is alike', () => {
    expect(names.of('qqqqqqqq', 3)).toEqual([]);
    expect(names.of('', 3)).toEqual([]);
  });
});
