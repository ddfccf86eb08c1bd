import { rawBytes } from '../../files/raw-text.js';
import { ENOENT } from '../../freebsd/errno.js';

/** The loader's variables, which become the kernel's environment: sorted by the bytes of their names. */
export class LoaderEnvironment {
  private readonly values = new Map<string, string>();

  constructor(variables: Iterable<readonly [name: string, value: string]> = []) {
    for (const [name, value] of variables) this.set(name, value);
  }

  get(name: string): string | undefined {
    return this.values.get(name);
  }

  set(name: string, value: string): void {
    this.values.set(name, value);
  }

  /** 0, or ENOENT where there is no such variable. */
  unset(name: string): number {
    return this.values.delete(name) ? 0 : ENOENT;
  }

  entries(): readonly (readonly [name: string, value: string])[] {
    return [...this.values].sort(([a], [b]) => compareBytes(rawBytes(a), rawBytes(b)));
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
