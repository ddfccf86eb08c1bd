import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';

/** Digests that the kernel's PKCS#7 reader knows and modbox can compute (it also knows md4). */
export type DigestName = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

const FUNCTIONS: Readonly<Record<DigestName, (bytes: Uint8Array) => Uint8Array>> = {
  md5,
  sha1,
  sha224,
  sha256,
  sha384,
  sha512,
};

/** Object identifiers (RFC 3279, RFC 5754). */
const DIGEST_OIDS: Readonly<Record<DigestName, string>> = {
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};

const NAMES: ReadonlyMap<string, DigestName> = new Map(
  Object.entries(DIGEST_OIDS).map(([name, oid]) => [oid, name as DigestName]),
);

/** The digest of that object identifier, undefined where the kernel knows none. */
export function digestOfOid(oid: string): DigestName | undefined {
  return NAMES.get(oid);
}

/** The digest of bytes, computed in TypeScript. */
export function portableDigest(name: DigestName, bytes: Uint8Array): Uint8Array {
  return FUNCTIONS[name](bytes);
}
