import { describe, expect, it } from 'vitest';
import { loadBundled } from '../../target/node/index.js';
import { newerTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';

const newer = await newerTarget();

describe.each([
  ['6.1', loadBundled(), 1 << 3],
  ['6.12', newer, 1 << 0],
])('an inode of %s', (_name, target, isNew) => {
  it.skipIf(!target)('is new, as that kernel’s file systems ask for it, until it is unlocked', () => {
    const { k, call, struct, reports } = guest({}, target!);
    const [superBlock, operations] = [struct.super_block(), struct.super_operations()];
    k.struct('super_block').set(superBlock, 's_op', operations);
    for (const list of ['s_inodes', 's_mounts']) {
      const at = k.struct('super_block').addr(superBlock, list);
      k.space.storePtr(at, at);
      k.space.storePtr(at + 8, at);
    }
    const inode = call.iget_locked(superBlock, 7);
    expect(k.struct('inode').get(inode, 'i_state')).toBe(isNew);
    call.unlock_new_inode(inode);
    expect(k.struct('inode').get(inode, 'i_state')).toBe(0);
    expect(reports()).toEqual([]);
  });
});
