import { type PnpField, type PnpValue, splitPnpDescription } from '../../formats/kld/index.js';
import type { Program } from '../program.js';

/** What -vv says of a description, up to where it makes no sense. */
export function tellPnpFields(program: Program, description: string): void {
  for (const { type, key } of splitPnpDescription(description).words)
    program.out(`Found type ${type} for name ${key}\n`);
}

/** What -vv says of an entry of a table. */
export function tellPnpRow(program: Program, fields: readonly PnpField[], row: readonly PnpValue[]): void {
  let at = 0;
  for (const { type } of fields) {
    if (type === 'T') continue;
    if (type === 'W32') program.out(`W32:${alternateHex(row[at++])}:${alternateHex(row[at++])};`);
    else if (type === 'E' || type === 'Z' || type === 'D') program.out(`${type}:${row[at++]};`);
    else program.out(`I:${alternateHex(row[at++])};`);
  }
  program.out('\n');
}

/** `%#x`. */
function alternateHex(value: PnpValue): string {
  return value === 0 ? '0' : `0x${(Number(value) >>> 0).toString(16)}`;
}
