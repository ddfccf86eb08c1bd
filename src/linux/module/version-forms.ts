/** CRCs by symbol. */
export type Crcs = ReadonlyMap<string, number>;

/** Versions of the symbols a module was built against, in one of the forms that a kernel may know. */
export type Versions =
  | { readonly form: 'none' }
  | { readonly form: 'basic' | 'extended'; readonly crcs: Crcs };

/**
 * What a kernel goes by: one that knows the extended form relies on it where a module has it. `extended` is undefined where
 * the kernel does not know that form.
 */
export function versionsOf(basic: Crcs | undefined, extended: Crcs | undefined): Versions {
  if (extended) return { form: 'extended', crcs: extended };
  return basic ? { form: 'basic', crcs: basic } : { form: 'none' };
}
