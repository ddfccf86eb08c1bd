/** What a signed module ends with (include/linux/module_signature.h). */
export const MODULE_SIG_STRING: Uint8Array = new TextEncoder().encode('~Module signature appended~\n');

/** sizeof(struct module_signature), which stands before it. */
export const TRAILER_BYTES = 12;

/** id_type: a PKCS#7 message, the only kind there is. */
export const PKEY_ID_PKCS7 = 2;

/** struct module_signature for a message of that size: all zero but the kind and the size, big-endian. */
export function trailerFor(messageSize: number): Uint8Array {
  const trailer = new Uint8Array(TRAILER_BYTES);
  trailer[2] = PKEY_ID_PKCS7;
  new DataView(trailer.buffer).setUint32(8, messageSize);
  return trailer;
}
