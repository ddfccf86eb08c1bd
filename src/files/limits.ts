/** Limits of names and paths (include/uapi/linux/limits.h, include/linux/namei.h), in bytes: those of every file system here. */
export const NAME_MAX = 255;
export const PATH_MAX = 4096;
/** Symbolic links that a path may go through. */
export const MAX_LINKS = 40;
