/**
 * Where a name is that is not in /lib, on systems with a merged /usr: their packages come without the link that the systems
 * have. Undefined for any other path.
 */
export function mergedUsr(path: string): string | undefined {
  const match = /^\/lib(\/[^/]+)?$/.exec(path);
  return match ? `/usr/lib${match[1] ?? ''}` : undefined;
}
