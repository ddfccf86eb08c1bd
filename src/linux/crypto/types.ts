/** Kinds of algorithms: the low bits of cra_flags (include/linux/crypto.h). */
export const TYPE_MASK = 0xf;
export const TYPE_CIPHER = 0x1;
export const TYPE_COMPRESS = 0x2;
export const TYPE_AEAD = 0x3;
export const TYPE_SKCIPHER = 0x5;
export const TYPE_KPP = 0x8;
export const TYPE_SCOMPRESS = 0xb;
export const TYPE_RNG = 0xc;
export const TYPE_AKCIPHER = 0xd;
export const TYPE_SHASH = 0xe;
export const TYPE_AHASH = 0xf;

export const CRYPTO_ALG_DEAD = 0x20;
export const FLAG_TESTED = 0x400;
export const FLAG_INSTANCE = 0x800;
export const FLAG_INTERNAL = 0x2000;
export const FLAG_OPTIONAL_KEY = 0x4000;
/** crt_flags: a key has to be set before use. */
export const TFM_NEED_KEY = 1;

/** Largest values that registration accepts. */
export const MAX_ALGAPI_BLOCKSIZE = 160;
export const MAX_ALGAPI_ALIGNMASK = 127;
export const HASH_MAX_DIGESTSIZE = 64;
export const HASH_MAX_DESCSIZE = 368;
export const HASH_MAX_STATESIZE = 512;
export const PAGE_EIGHTH = 512;

/** More bits of cra_flags. */
export const FLAG_ASYNC = 0x80;
const FLAG_NEED_FALLBACK = 0x100;
const FLAG_ALLOCATES_MEMORY = 0x1_0000;
/** What an instance has because an algorithm that it is built on has it. */
export const INHERITED_FLAGS = FLAG_ASYNC | FLAG_NEED_FALLBACK | FLAG_ALLOCATES_MEMORY;
