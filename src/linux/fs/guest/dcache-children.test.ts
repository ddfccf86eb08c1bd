import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { loadBundled } from '../../../target/node/index.js';
import { newerTarget } from '../../../testing/targets.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import { guest } from '../../testing/guest.js';
import { Dcache } from './dcache.js';

const newer = await newerTarget();

/** d_subdirs by d_child, or d_children by d_sib: newest first. */
function childrenOf(k: LinuxKernel, parent: Ptr): readonly Ptr[] {
  const type = k.struct('dentry');
  if (!type.has('d_sib'))
    return [...list.entries(k.space, type.addr(parent, 'd_subdirs'))].map((at) => type.of(at, 'd_child'));
  const found: Ptr[] = [];
  for (let at = type.get(parent, 'd_children.first'); at !== 0; at = k.space.loadPtr(at))
    found.push(type.of(at, 'd_sib'));
  return found;
}

describe.each([
  ['6.1', loadBundled()],
  ['6.12', newer],
])('the children of a dentry on %s', (_name, target) => {
  it.skipIf(!target)('are in its list until they go', () => {
    const { k, run } = guest({}, target!);
    const dcache = k.get(Dcache);
    const top = dcache.alloc(0, 'top', 0);
    const [first, second] = ['first', 'second'].map((name) => dcache.alloc(top, name, 0));
    expect(childrenOf(k, top)).toEqual([second, first]);
    run(() => dcache.put(first!));
    expect(childrenOf(k, top)).toEqual([second]);
    run(() => dcache.put(second!));
    expect(childrenOf(k, top)).toEqual([]);
  });
});
