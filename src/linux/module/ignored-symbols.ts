/** What the linker on x86 leaves in a symbol table, and the kernel does not look for: ignore_undef_symbol(). */
export const isIgnoredSymbol = (name: string): boolean => name === '_GLOBAL_OFFSET_TABLE_';
