import { describe, expect, it } from 'vitest';
import { AddressSpace, PAGE_KERNEL } from '../../cpu/address-space.js';
import { MEMORY_MAP, RAM } from '../memory-map.js';
import { hlist } from './hlist.js';

const HEAD = RAM.start;
const [A, B, C] = [16, 32, 48].map((offset) => RAM.start + offset);

describe('an hlist', () => {
  const space = new AddressSpace(MEMORY_MAP);
  space.map(RAM.start, 4096, PAGE_KERNEL);

  /** The nodes as for_each_console() walks over them. */
  const nodes = (): number[] => {
    const found: number[] = [];
    for (let node = space.loadPtr(HEAD); node !== 0; node = space.loadPtr(node)) found.push(node);
    return found;
  };

  it('takes nodes in at its head, and lets any of them go', () => {
    for (const node of [A, B, C]) hlist.addHead(space, node, HEAD);
    expect(nodes()).toEqual([C, B, A]);
    hlist.delInit(space, B);
    expect(nodes()).toEqual([C, A]);
    hlist.delInit(space, C);
    hlist.delInit(space, A);
    expect(nodes()).toEqual([]);
  });

  it('a node that is in none has no pprev, and may be taken out again', () => {
    hlist.addHead(space, A, HEAD);
    hlist.delInit(space, A);
    expect(space.loadPtr(A + 8)).toBe(0);
    hlist.delInit(space, A);
    expect(nodes()).toEqual([]);
  });
});
