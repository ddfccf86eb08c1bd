import { certificatesDer, parseCertificate, Refused, readGiven, SignError } from '../index.js';

/**
 * The X.509 certificates of files, PEM (all that are in it) or DER, as DER. Throws SignError with the file's name
 * where one is none that modbox can read, system errors where it cannot be opened.
 */
export function certificatesOf(paths: readonly string[]): Uint8Array[] {
  return paths.flatMap((path) => {
    const bytes = new Uint8Array(readGiven(path));
    return inFile(path, () => certificatesDer(bytes).map((der) => parseCertificate(der, path).der));
  });
}

/** What is wrong with a key or a certificate, said with the file that it is in. */
export function inFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SignError || error instanceof Refused)
      throw new SignError(`${path}: ${error.message}`);
    throw error;
  }
}
