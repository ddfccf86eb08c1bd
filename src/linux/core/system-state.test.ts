import { expect, it } from 'vitest';
import { PAGE_SIZE } from '../../cpu/layout.js';
import { loadBundled } from '../../target/node/index.js';
import { LinuxKernel } from '../kernel.js';

/** Variables that modules read by inline functions, not by a call: without the kernel's image they have what is filled in. */
const k = new LinuxKernel(loadBundled(), { cmdline: 'mem=64M' });

it('a kernel that did not come after a crash says so: is_kdump_kernel()', () => {
  expect(k.space.load64(k.symbol('elfcorehdr_addr'))).toBe(0xffff_ffff_ffff_ffffn);
});

it('totalram_pages() is the memory of the machine', () => {
  expect(k.space.load64(k.symbol('_totalram_pages'))).toBe(BigInt((64 << 20) / PAGE_SIZE));
});

it('there is one thread, one die and one package', () => {
  for (const name of ['smp_num_siblings', '__max_die_per_package', '__max_logical_packages'])
    expect(k.space.load32(k.symbol(name))).toBe(1);
});
