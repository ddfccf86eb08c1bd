import { type Certificate, isNamedBy, type KeyId, parseCertificate } from './certificate.js';

/** The certificates that a kernel trusts for modules. */
export class Keyring {
  private readonly certificates: Certificate[] = [];

  /** Of DER certificates, as Target.certificates has them. Errors: see parseCertificate. */
  static of(certificates: Iterable<Uint8Array>): Keyring {
    const keyring = new Keyring();
    let i = 0;
    for (const der of certificates) keyring.add(parseCertificate(der, `certificate ${i++}`));
    return keyring;
  }

  add(certificate: Certificate): void {
    this.certificates.push(certificate);
  }

  get all(): readonly Certificate[] {
    return this.certificates;
  }

  find(id: KeyId): Certificate | undefined {
    return this.certificates.find((certificate) => isNamedBy(certificate, id));
  }
}
