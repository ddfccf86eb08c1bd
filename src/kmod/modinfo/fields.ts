import { byteText } from '../byte-text.js';
import type { KmodElf } from '../kmod-elf.js';
import { type SignatureInfo, signatureOf } from './signature.js';

/** One line of what a module says of itself; byte texts. */
export interface InfoField {
  readonly key: string;
  readonly value: string;
}

/** A parameter: what its `parm` and `parmtype` fields say after the name. */
export interface InfoParameter {
  readonly name: string;
  readonly description: string | undefined;
  readonly type: string | undefined;
}

/** The fields of a module's file in kmod's order: `.modinfo`, the build id, then the signature. Throws KmodError. */
export function fieldsOf(module: KmodElf): InfoField[] {
  const signature = signatureOf(module.elf.bytes, module.file);
  const fields = [...module.modinfoStrings().map(fieldOf), ...buildIdField(module)];
  return signature ? [...fields, ...signatureFields(signature)] : fields;
}

/** A `key=value` text; without '=' all of it is the key. */
export function fieldOf(text: string): InfoField {
  const equals = text.indexOf('=');
  return equals < 0
    ? { key: text, value: '' }
    : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

export const NT_GNU_BUILD_ID = 3;
const NOTE_HEADER = 12;

/** The one note of `.note.gnu.build-id` (elf(5)), where it is sound. */
function buildIdField(module: KmodElf): InfoField[] {
  const note = module.section('.note.gnu.build-id');
  if (!note || note.length < NOTE_HEADER) return [];
  const view = new DataView(note.buffer, note.byteOffset, note.byteLength);
  const [nameSize, size, type] = [0, 4, 8].map((at) => view.getUint32(at, module.elf.littleEndian));
  const name = byteText(note.subarray(NOTE_HEADER, NOTE_HEADER + 4));
  if (NOTE_HEADER + nameSize + size > note.length || type !== NT_GNU_BUILD_ID || name !== 'GNU\0') return [];
  const id = note.subarray(NOTE_HEADER + nameSize, NOTE_HEADER + nameSize + size);
  return [{ key: 'build-id', value: hexLines(id) }];
}

function signatureFields({ type, signer, keyId, hash, signature }: SignatureInfo): InfoField[] {
  return [
    { key: 'sig_id', value: type },
    { key: 'signer', value: upToNul(signer) },
    { key: 'sig_key', value: hexLines(keyId) },
    { key: 'sig_hashalgo', value: hash },
    { key: 'signature', value: hexLines(signature) },
  ];
}

/** A C string ends at its first NUL. */
function upToNul(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

const BYTES_A_LINE = 20;

/** `01:12:DE:...`, twenty bytes a line. */
function hexLines(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    text += bytes[i].toString(16).padStart(2, '0').toUpperCase();
    if (i === bytes.length - 1) break;
    text += (i + 1) % BYTES_A_LINE === 0 ? ':\n\t\t' : ':';
  }
  return text;
}

/**
 * Joins `parm` and `parmtype` fields by the parameter's name, in the order of its first mention; later ones replace
 * earlier ones. `complain` hears of a field without a colon, which is left out.
 */
export function parametersOf(
  fields: readonly InfoField[],
  complain: (field: InfoField) => void,
): InfoParameter[] {
  const found = new Map<string, { description: string | undefined; type: string | undefined }>();
  for (const field of fields) {
    if (!isParameter(field)) continue;
    const colon = field.value.indexOf(':');
    if (colon < 0) {
      complain(field);
      continue;
    }
    const name = field.value.slice(0, colon);
    const text = field.value.slice(colon + 1);
    const known = found.get(name) ?? { description: undefined, type: undefined };
    if (field.key === 'parm') known.description = text;
    else known.type = text;
    found.set(name, known);
  }
  return [...found].map(([name, { description, type }]) => ({ name, description, type }));
}

export function isParameter({ key }: InfoField): boolean {
  return key === 'parm' || key === 'parmtype';
}
