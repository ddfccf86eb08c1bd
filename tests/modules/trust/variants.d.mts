/** Where the module lies from which `debian` variants are made, below /lib/modules/RELEASE. */
export const DEBIAN_MODULE: string;
/** Whether a variant is one of Debian's modules. */
export function needsDebian(name: string): boolean;
/** The module of Debian's that a variant is made of, below /lib/modules/RELEASE. */
export function debianFileOf(name: string): string;
/**
 * The bytes of a variant, or of a module here; for a variant of Debian's module with the bytes of that. `release`: the
 * kernel that the modules are built for, the bundled target's by default.
 */
export function variant(name: string, debianModule?: Buffer, release?: string): Buffer;
