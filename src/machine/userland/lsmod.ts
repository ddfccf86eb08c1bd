import type { LinuxKernel } from '../../linux/kernel.js';
import { Modules } from '../../linux/module/modules.js';

/** What lsmod(8) prints. */
export function lsmodText(k: LinuxKernel): string {
  const lines = k
    .get(Modules)
    .listing()
    .map(({ name, size, refcnt, usedBy }) => {
      const users = usedBy.length > 0 ? ` ${usedBy.join(',')}` : '';
      return `${name.padEnd(19)} ${String(size).padStart(8)}  ${refcnt}${users}\n`;
    });
  return `Module                  Size  Used by\n${lines.join('')}`;
}
