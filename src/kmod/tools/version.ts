/** What `--version` of every tool prints: the kmod whose behaviour they have, and what it would be built with. */
export const VERSION_TEXT = 'kmod version 34\n+ZSTD +XZ +ZLIB +OPENSSL -MBEDTLS\n';
