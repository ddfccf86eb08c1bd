import { readFileSync } from 'node:fs';
import { UsageError } from '../../machine/errors.js';
import { parseCertificate } from '../../trust/index.js';
import { certificateDer } from '../../trust/pem.js';

/** The certificates of `--key FILE`, PEM or DER, as DER. Throws UsageError for what is none. */
export function readKeys(files: readonly string[]): Uint8Array[] {
  return files.map((file) => {
    const der = certificateDer(readFileSync(file), file);
    parseCertificate(der, file);
    return der;
  });
}
