import { ByteReader } from './byte-reader.js';

/** What follows the signature at the end of a signed module (include/linux/module_signature.h). */
export interface ModuleSignature {
  readonly algo: number;
  readonly hash: number;
  /** PKEY_ID_PKCS7 is 2. */
  readonly idType: number;
  /** Normally the DER of a PKCS#7 message; not looked into here. */
  readonly signature: Uint8Array;
}

interface SplitModule {
  /** The module as it was signed. */
  readonly module: Uint8Array;
  readonly signature?: ModuleSignature;
}

const MARKER = '~Module signature appended~\n';
const TRAILER_SIZE = 12;

/** Splits an appended signature off. A module without the marker is returned whole. */
export function splitModuleSignature(bytes: Uint8Array, file: string): SplitModule {
  const markerAt = bytes.length - MARKER.length;
  if (!endsWithMarker(bytes)) return { module: bytes };
  const r = new ByteReader(bytes, file);
  const at = markerAt - TRAILER_SIZE;
  if (at < 0) r.fail('module signature', 0, 'the file is shorter than its signature');
  const signerLength = bytes[at + 3];
  const keyIdLength = bytes[at + 4];
  const size = ((bytes[at + 8] << 24) | (bytes[at + 9] << 16) | (bytes[at + 10] << 8) | bytes[at + 11]) >>> 0;
  const start = at - size - signerLength - keyIdLength;
  if (start < 0) r.fail('module signature: sig_len', at + 8, `${size} bytes, the file has ${at} before it`);
  return {
    module: bytes.subarray(0, start),
    signature: {
      algo: bytes[at],
      hash: bytes[at + 1],
      idType: bytes[at + 2],
      signature: bytes.subarray(at - size, at),
    },
  };
}

function endsWithMarker(bytes: Uint8Array): boolean {
  const from = bytes.length - MARKER.length;
  if (from < 0) return false;
  for (let i = 0; i < MARKER.length; i++) {
    if (bytes[from + i] !== MARKER.charCodeAt(i)) return false;
  }
  return true;
}
