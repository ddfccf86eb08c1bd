import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';

/** CPUs that there can be. */
const CPUS = 1;

/** irq_calc_affinity_vectors(): how many interrupts are of use, with those that are set aside before and behind the others. */
export function affinityVectors(k: LinuxKernel, affinity: Ptr, least: number, most: number): number {
  const type = k.struct('irq_affinity');
  const reserved = type.get(affinity, 'pre_vectors') + type.get(affinity, 'post_vectors');
  if (reserved > least) return 0;
  const sets = type.get(affinity, 'calc_sets') === 0 ? CPUS : most - reserved;
  return reserved + Math.min(sets, most - reserved);
}

/** irq_create_affinity_masks(): the interrupt's own mask, which nobody changes unless it was set aside. */
export function spreadAffinity(k: LinuxKernel, desc: Ptr, affinity: Ptr, index: number, count: number): void {
  const type = k.struct('irq_affinity_desc');
  const request = k.struct('irq_affinity');
  const own = k.slab.allocateBytes(type.size, true);
  if (own === 0) return;
  const last = count - request.get(affinity, 'post_vectors');
  const managed = index >= request.get(affinity, 'pre_vectors') && index < last;
  k.space.store8(type.addr(own, 'mask'), 1);
  type.set(own, 'is_managed', Number(managed));
  k.struct('msi_desc').set(desc, 'affinity', own);
}
