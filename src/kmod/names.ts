/** The endings that a module's file may have, `.ko` and how it is packed (depmod.d(5)). */
const MODULE_FILE = /\.ko(?:\.gz|\.xz|\.zst)?$/;

/** Whether a path names a module's file. */
export function isModuleFile(path: string): boolean {
  return MODULE_FILE.test(path);
}

/**
 * The form in which modprobe compares names and aliases: '-' is '_', but not between brackets (modprobe(8)).
 * Undefined for brackets that do not pair up, which no name may have.
 */
export function checkedName(name: string): string | undefined {
  if (!/[-[\]]/.test(name)) return name;
  let out = '';
  for (let at = 0; at < name.length; at++) {
    const char = name[at];
    if (char === ']') return undefined;
    if (char !== '[') {
      out += char === '-' ? '_' : char;
      continue;
    }
    const end = name.indexOf(']', at);
    if (end < 0) return undefined;
    out += name.slice(at, end + 1);
    at = end;
  }
  return out;
}

/** {@link checkedName}; a name with brackets that do not pair up stays as it is. */
export function normalizeName(name: string): string {
  return checkedName(name) ?? name;
}

/** The kernel's name of a module: '-' is '_', and what follows a dot is no part of it. */
export function moduleName(text: string): string {
  const dot = text.indexOf('.');
  return (dot < 0 ? text : text.slice(0, dot)).replaceAll('-', '_');
}

/** The module's name that a path stands for: `kernel/net/6lowpan/nhc_dest.ko.xz` is `nhc_dest`. */
export function moduleNameOf(path: string): string {
  return moduleName(path.slice(path.lastIndexOf('/') + 1));
}
