/** What a key made of a certificate is called after. */
interface CertificateNames {
  /** Subject, shortened the way the kernel's key type does: organisation, common name or e-mail address. */
  readonly subject: string;
  /** Subject key identifier, or the serial number where there is none. */
  readonly id: Uint8Array;
}

interface Element {
  readonly tag: number;
  readonly body: Uint8Array;
}

/** Object identifiers, as DER encodes them. */
const OID_COMMON_NAME = '550403';
const OID_ORGANIZATION = '55040a';
const OID_EMAIL = '2a864886f70d010901';
const OID_SUBJECT_KEY_ID = '551d0e';
const TAG_VERSION = 0xa0;
const TAG_EXTENSIONS = 0xa3;
const TAG_OCTETS = 0x04;
const SEQUENCE = 0x30;

/** Reads the names of an X.509 certificate (RFC 5280) in DER. Undefined if it is not one. */
export function certificateNames(bytes: Uint8Array): CertificateNames | undefined {
  try {
    const [certificate] = elements(bytes);
    if (certificate?.tag !== SEQUENCE) return undefined;
    const [toBeSigned] = elements(certificate.body);
    const parts = elements(toBeSigned.body);
    if (parts[0].tag === TAG_VERSION) parts.shift();
    const [serial, , , , subject] = parts;
    const extensions = parts.find((part) => part.tag === TAG_EXTENSIONS);
    const id = (extensions && subjectKeyId(extensions.body)) ?? serial.body;
    return { subject: shortName(subject.body), id };
  } catch {
    return undefined;
  }
}

/** The elements of a DER encoding, one after another; throws where it is damaged. */
function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++];
    let length = byteAt(bytes, at++);
    if (length & 0x80) {
      const size = length & 0x7f;
      if (size === 0 || size > 3) throw new RangeError('DER: unsupported length');
      length = 0;
      for (let i = 0; i < size; i++) length = length * 256 + byteAt(bytes, at++);
    }
    if (at + length > bytes.length) throw new RangeError('DER: cut off');
    found.push({ tag, body: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

function byteAt(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) throw new RangeError('DER: cut off');
  return bytes[at];
}

/** The certificate's extension that identifies the subject's key. */
function subjectKeyId(extensions: Uint8Array): Uint8Array | undefined {
  for (const extension of elements(elements(extensions)[0].body)) {
    const parts = elements(extension.body);
    if (hex(parts[0].body) !== OID_SUBJECT_KEY_ID) continue;
    const value = parts[parts.length - 1];
    const [inner] = elements(value.body);
    if (inner.tag === TAG_OCTETS) return inner.body;
  }
  return undefined;
}

/**
 * Organisation and common name when both are there (one of them when they begin alike), else whichever of
 * common name, organisation and e-mail address there is.
 */
function shortName(name: Uint8Array): string {
  const parts = new Map<string, string>();
  for (const set of elements(name))
    for (const pair of elements(set.body)) {
      const [oid, value] = elements(pair.body);
      parts.set(hex(oid.body), new TextDecoder('latin1').decode(value.body));
    }
  const common = parts.get(OID_COMMON_NAME);
  const organization = parts.get(OID_ORGANIZATION);
  if (common === undefined && organization === undefined) return parts.get(OID_EMAIL) ?? '';
  if (common === undefined) return organization ?? '';
  if (organization === undefined || common.startsWith(organization)) return common;
  if (organization.length >= 7 && common.slice(0, 7) === organization.slice(0, 7)) return common;
  return `${organization}: ${common}`;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
