import { asByteText } from '../byte-text.js';
import { type InfoField, type InfoParameter, isParameter, parametersOf } from './fields.js';
import type { Subject } from './subject.js';

/** How kmod's modinfo is to write. */
interface TextStyle {
  /** Only this field's values. */
  readonly field: string | undefined;
  readonly separator: string;
}

type Complain = (field: InfoField) => void;

/** Width of what is before a value. */
const KEY_WIDTH = 16;

/** What kmod prints before it opens a module: its name where it is built in, and its file. Byte text. */
export function headText({ name, filename }: Subject, { field, separator }: TextStyle): string {
  const shown = asByteText(filename ?? '(builtin)');
  const builtinName = filename === undefined ? asByteText(name) : undefined;
  if (field === 'filename') return `${shown}${separator}`;
  if (field === 'name') return builtinName === undefined ? '' : `${builtinName}${separator}`;
  if (field !== undefined) return '';
  const first = builtinName === undefined ? '' : `${label('name')}${builtinName}${separator}`;
  return `${first}${label('filename')}${shown}${separator}`;
}

function label(key: string): string {
  return `${key}:`.padEnd(KEY_WIDTH);
}

/** All fields as kmod prints them, parameters last; byte text. */
export function fieldsText(fields: readonly InfoField[], separator: string, complain: Complain): string {
  let text = '';
  for (const field of fields) {
    if (isParameter(field)) continue;
    const { key, value } = field;
    text += separator === '\0' ? `${key}=${value}${separator}` : `${label(key)}${value}${separator}`;
  }
  for (const parameter of kmodOrder(fields, complain))
    text += `${label('parm')}${parameterText(parameter)}${separator}`;
  return text;
}

/** Values of one field, one after the other; byte text. */
export function oneFieldText(
  fields: readonly InfoField[],
  asked: string,
  separator: string,
  complain: Complain,
): string {
  if (asked === 'parm')
    return kmodOrder(fields, complain)
      .map((parameter) => parameterText(parameter, ' ') + separator)
      .join('');
  return fields
    .filter(({ key }) => key === asked)
    .map(({ value }) => value + separator)
    .join('');
}

/** kmod shows parameters from the last one mentioned to the first. */
function kmodOrder(fields: readonly InfoField[], complain: Complain): InfoParameter[] {
  return parametersOf(fields, complain).reverse();
}

/** `NAME:DESCRIPTION (TYPE)`; without a description it is only the type, in brackets where it stands alone. */
function parameterText({ name, description, type }: InfoParameter, alone?: string): string {
  if (description === undefined) return alone === undefined ? `${name}:${type}` : `${name}:${alone}(${type})`;
  return type === undefined ? `${name}:${description}` : `${name}:${description} (${type})`;
}
