import { PAGE_KERNEL, PAGE_KERNEL_RO, PAGE_KERNEL_ROX } from '../../cpu/address-space.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';
import type { ModuleLayout, PartKind } from './layout.js';

const PERMISSIONS = {
  text: PAGE_KERNEL_ROX,
  rodata: PAGE_KERNEL_RO,
  'ro-after-init': PAGE_KERNEL,
  data: PAGE_KERNEL,
} as const satisfies Record<PartKind, unknown>;

/** Sets page protections: `live` makes what is read-only after init read-only (module_enable_ro). */
export function protect(k: LinuxKernel, module: LoadedModule, layout: ModuleLayout, live: boolean): void {
  let next = 0;
  for (const memory of layout.memories) {
    if (memory.size === 0) continue;
    const { base } = module.memory[next++];
    for (const part of memory.parts) {
      if (part.start === part.end) continue;
      const permissions = live && part.kind === 'ro-after-init' ? PAGE_KERNEL_RO : PERMISSIONS[part.kind];
      const start = part.start & ~4095;
      const end = (part.end + 4095) & ~4095;
      if (end > start) k.space.protect(base + start, end - start, permissions);
    }
  }
  module.layout = layout;
}
