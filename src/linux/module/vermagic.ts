/**
 * same_magic() of kernel/module/version.c: whether a module's version magic fits a kernel's. Where the module has symbol
 * versions (`versioned`) the release, up to the first space, may differ.
 */
export function sameMagic(magic: string, kernel: string, versioned: boolean): boolean {
  if (!versioned) return magic === kernel;
  return withoutRelease(magic) === withoutRelease(kernel);
}

function withoutRelease(magic: string): string {
  return magic.replace(/^[^ ]*/, '');
}
