/**
 * Where a name is that is not in /lib, on systems with a merged /usr: their packages come without the link that the systems
 * have. So it is with the modules of one kernel, where others are in /lib/modules. Undefined for any other path.
 */
export function mergedUsr(path: string): string | undefined {
  const match = /^\/lib(\/[^/]+|\/modules\/[^/]+)?$/.exec(path);
  return match ? `/usr/lib${match[1] ?? ''}` : undefined;
}
