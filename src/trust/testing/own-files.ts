import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TRUST = fileURLToPath(new URL('../../../tests/modules/trust/', import.meta.url));

/** A file of tests/modules/trust. */
export function trustFile(path: string): Uint8Array {
  return new Uint8Array(readFileSync(`${TRUST}${path}`));
}

/** The path of a file of tests/modules/trust. */
export function trustPath(path: string): string {
  return `${TRUST}${path}`;
}

/** A certificate of keys/, DER. */
export function ownCertificate(key: string): Uint8Array {
  const text = readFileSync(`${TRUST}keys/${key}.crt`, 'latin1');
  return new Uint8Array(Buffer.from(text.replace(/-----[^-]+-----|\s/g, ''), 'base64'));
}
