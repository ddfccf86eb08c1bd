// Modules changed so that a kernel does not refuse them for `struct module` alone, but looks at all their symbols.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentsOf, split, versions, versionsOf, withSection } from '../modules/trust/edit.mjs';

const THIS_MODULE = '.gnu.linkonce.this_module';

/** A module's file without its compression and its signature. */
function plain(file) {
  const bytes = file.endsWith('.xz') ? execFileSync('xz', ['-dc', file], { maxBuffer: 2 ** 28 }) : readFileSync(file);
  return bytes.includes('~Module signature appended~') ? split(bytes).module : bytes;
}

/** What the kernel's own modules have: the version of `module_layout`, and the size of struct module. */
export function structModuleOf(kernel) {
  const bytes = plain(join(kernel.modules, kernel.files[0]));
  return { crc: versionsOf(bytes).find(({ name }) => name === 'module_layout').crc, size: contentsOf(bytes, THIS_MODULE).length };
}

/** A signed module file, without its signature, and with that version and size. */
export function asIfFor(bytes, crc, size) {
  const { module } = split(bytes);
  const own = contentsOf(module, THIS_MODULE);
  const struct = Buffer.alloc(size);
  own.copy(struct, 0, 0, Math.min(size, own.length));
  return withSection(versions(module, (v) => (v.name === 'module_layout' ? { ...v, crc } : v)), THIS_MODULE, struct);
}
