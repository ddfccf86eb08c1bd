/** The endings that a module's file may have, `.ko` and how it is packed (depmod.d(5)). */
const MODULE_FILE = /\.ko(?:\.gz|\.xz|\.zst)?$/;

/** Whether a path names a module's file. */
export function isModuleFile(path: string): boolean {
  return MODULE_FILE.test(path);
}

/** The kernel's name of a module or alias: '-' is '_', but not between brackets (modprobe(8)). */
export function normalizeName(name: string): string {
  if (!name.includes('-')) return name;
  if (!name.includes('[')) return name.replaceAll('-', '_');
  let inside = false;
  let out = '';
  for (const char of name) {
    if (char === '[') inside = true;
    else if (char === ']') inside = false;
    out += char === '-' && !inside ? '_' : char;
  }
  return out;
}

/** The module's name that a path stands for: `kernel/net/6lowpan/nhc_dest.ko.xz` is `nhc_dest`. */
export function moduleNameOf(path: string): string {
  const base = path.slice(path.lastIndexOf('/') + 1);
  return base.replace(MODULE_FILE, '').replaceAll('-', '_');
}
