/** Bytes of a pointer on amd64. */
export const PTR_BYTES = 8;
