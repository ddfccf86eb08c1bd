/**
 * Compares the bundled FreeBSD target's layouts with real modules: variables whose names tell their type, as macros of the headers
 * make them, have the size of that type.
 *
 *     npx vite-node scripts/freebsd/compare-sizes.ts /boot/kernel
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isElf, parseElf } from '../../src/formats/elf/index.js';
import { BUNDLED_FREEBSD, loadBundled } from '../../src/target/node/bundled.js';

const STT_OBJECT = 1;

/** Names by macro: DRIVER_MODULE, VFS_SET, SYSINIT, MODULE_DEPEND, ...; and by the habit of the tree where no macro makes them. */
const TYPES: readonly (readonly [RegExp, string])[] = [
  [/_cdevsw$/, 'cdevsw'],
  [/_vfsops$/, 'vfsops'],
  [/_vfsconf$/, 'vfsconf'],
  [/vnodeop_entries$|_vnodeops$/, 'vop_vector'],
  [/_driver_mod$/, 'driver_module_data'],
  [/^_mod_metadata/, 'mod_metadata'],
  [/_depend_on_\w+$/, 'mod_depend'],
  [/_sys_init$/, 'sysinit'],
  [/_sys_uninit$/, 'sysinit'],
  [/^sysctl___/, 'sysctl_oid'],
  [/_(un)?usrreqs$|_protosw$/, 'protosw'],
  [/^ng_\w+_typestruct$|^typestruct$/, 'ng_type'],
  [/^g_\w+_class$/, 'g_class'],
  [/_filtops$|_filterops$/, 'filterops'],
];

const folder = process.argv[2];
if (folder === undefined) throw new Error('which folder of modules?');
const { types } = loadBundled(BUNDLED_FREEBSD);
const counts = new Map<string, Map<number, number>>();
for (const name of readdirSync(folder).filter((file) => file.endsWith('.ko'))) {
  const bytes = readFileSync(join(folder, name));
  if (!isElf(bytes)) continue;
  for (const symbol of parseElf(bytes, name).symbols()) {
    // Entries of linker sets are pointers.
    if (symbol.name.startsWith('__set_')) continue;
    const type = TYPES.find(([pattern]) => pattern.test(symbol.name))?.[1];
    if (type === undefined || symbol.type !== STT_OBJECT) continue;
    const sizes = counts.get(type) ?? new Map<number, number>();
    counts.set(type, sizes.set(symbol.size, (sizes.get(symbol.size) ?? 0) + 1));
  }
}
for (const [type, sizes] of [...counts].sort()) {
  const found = [...sizes].sort(([, a], [, b]) => b - a).map(([size, count]) => `${size} (${count})`);
  console.log(
    `${type.padEnd(20)} ${String(types.sizeOf(`struct ${type}`)).padStart(4)}: ${found.join(', ')}`,
  );
}
