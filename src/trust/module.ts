import { type CheckOptions, checkSignedData, refusalOf } from './check.js';
import type { Keyring } from './keyring.js';
import { MODULE_SIG_STRING, PKEY_ID_PKCS7, TRAILER_BYTES } from './trailer.js';
import { type CheckMessage, KERN_ERR, Refused, type SignatureVerdict } from './verdict.js';

export interface ModuleCheckOptions extends CheckOptions {
  /**
   * The module is loaded with force. A file from which version information was taken is not what was signed, so the
   * kernel does not look for a signature then.
   */
  readonly forced?: boolean;
}

/**
 * Checks the signature at the end of a module's unpacked file as module_sig_check() of kernel/module/signing.c does,
 * up to where it asks whether signatures are enforced. `file` is for messages. Never throws for what is in the file.
 */
export function verifyModule(
  bytes: Uint8Array,
  keyring: Keyring,
  file: string,
  options: ModuleCheckOptions = {},
): SignatureVerdict {
  const log: CheckMessage[] = [];
  if (options.forced)
    return { trusted: false, code: 'ENODATA', reason: 'loaded with force', log, size: bytes.length };
  if (!hasMarker(bytes))
    return { trusted: false, code: 'ENODATA', reason: 'not signed', log, size: bytes.length };
  // The kernel cuts the marker off whatever comes then, and trailer and message once it knows how long they are.
  let size = bytes.length - MODULE_SIG_STRING.length;
  try {
    const messageSize = readTrailer(bytes, size, log);
    const end = size - TRAILER_BYTES;
    size = end - messageSize;
    const found = checkSignedData(
      bytes.subarray(size, end),
      bytes.subarray(0, size),
      keyring,
      options,
      log,
      file,
    );
    return { trusted: true, ...found, log, size };
  } catch (error) {
    const { code, message } = refusalOf(error);
    return { trusted: false, code, reason: message, log, size };
  }
}

/** Whether the file ends with what marks a signature; the marker alone is none. */
function hasMarker(bytes: Uint8Array): boolean {
  const from = bytes.length - MODULE_SIG_STRING.length;
  return from > 0 && MODULE_SIG_STRING.every((byte, i) => bytes[from + i] === byte);
}

/** struct module_signature: gives the size of the message before it (mod_check_sig() of kernel/module_signature.c). */
function readTrailer(bytes: Uint8Array, end: number, log: CheckMessage[]): number {
  if (end <= TRAILER_BYTES) throw new Refused('EBADMSG', 'the file ends before its signature begins');
  const trailer = bytes.subarray(end - TRAILER_BYTES, end);
  const size = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES).getUint32(8);
  if (size >= end - TRAILER_BYTES)
    throw new Refused(
      'EBADMSG',
      `a signature of ${size} bytes, and ${end - TRAILER_BYTES} bytes before its end`,
    );
  const [algorithm, hash, type, signerSize, keyIdSize, ...padding] = trailer.subarray(0, 8);
  if (type !== PKEY_ID_PKCS7) {
    log.push({ level: KERN_ERR, text: 'module: not signed with expected PKCS#7 message' });
    throw new Refused('ENOPKG', `a signature of kind ${type}, not PKCS#7 (${PKEY_ID_PKCS7})`);
  }
  if ([algorithm, hash, signerSize, keyIdSize, ...padding].some((field) => field !== 0)) {
    log.push({ level: KERN_ERR, text: 'module: PKCS#7 signature info has unexpected non-zero params' });
    throw new Refused('EBADMSG', 'fields after the PKCS#7 message that have to be zero are not');
  }
  return size;
}
