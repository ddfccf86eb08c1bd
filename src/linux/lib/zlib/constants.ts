/** The one method of compression that zlib knows (include/linux/zlib.h). */
export const Z_DEFLATED = 8;
export const MAX_WINDOW_BITS = 15;
