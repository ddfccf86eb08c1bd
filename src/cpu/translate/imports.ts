/** Functions that every unit imports, by index: see runtime/linkage.ts. */
export const IMPORT_HOST = 0;
export const IMPORT_SLOW = 1;
export const IMPORT_DISPATCH = 2;
export const IMPORT_POP = 3;
export const IMPORT_COPY = 4;
export const IMPORT_FILL = 5;
/** Type index of translated functions. */
export const TYPE_GUEST = 0;
