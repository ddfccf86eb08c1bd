import { expect, it } from 'vitest';
import { guest } from '../testing/guest.js';
import { lesserTarget } from '../testing/lesser-target.js';

it('the memory node is there in a kernel that knows of no others', () => {
  const numa = [
    'phys_to_target_node',
    'memory_add_physaddr_to_nid',
    'numa_map_to_online_node',
    '__node_distance',
  ];
  const { k } = guest({}, lesserTarget({ options: { CONFIG_NUMA: undefined }, symbols: numa }));
  const node = k.space.loadPtr(k.symbol('node_data'));
  const lists = k.struct('pglist_data').addr(node, '__lruvec.lists');
  expect(k.space.loadPtr(lists)).toBe(lists);
  expect(k.struct('pglist_data').get(node, 'nr_zones')).toBe(1);
});
