import { type NumberType, numberType } from './kinds.js';

const WIDE_MOST = 1n << 64n;
const LONG_MOST = 1n << 63n;

/** The bytes of a number that was typed for a node; undefined where it is none, or too large for strtol(3). */
export function parseNumber(text: string, kind: number, format: string): Uint8Array | undefined {
  const type = numberType(kind);
  if (!type) return undefined;
  const value = isTemperature(format) ? parseTemperature(text, format) : parseInteger(text, type);
  return value === undefined ? undefined : encode(value, type);
}

/** Whether a node's number is a temperature, in tenths of a kelvin, or in what the digit behind IK says. */
function isTemperature(format: string): boolean {
  return format.startsWith('IK');
}

/** strtol(3), or strtoul(3), with base 0: the whole text has to be a number. */
function parseInteger(text: string, { signed }: NumberType): bigint | undefined {
  const match = /^[\t-\r ]*([-+]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text);
  if (!match) return undefined;
  const digits = match[2];
  const octal = /^0\d/.test(digits);
  if (octal && /[89]/.test(digits)) return undefined;
  const magnitude = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  const value = match[1] === '-' ? -magnitude : magnitude;
  if (!signed) return magnitude < WIDE_MOST ? value : undefined;
  return value < LONG_MOST && value >= -LONG_MOST ? value : undefined;
}

/** A temperature with its unit. A number without one is refused, as by FreeBSD's program: it wants the last character unread. */
function parseTemperature(text: string, format: string): bigint | undefined {
  const unit = text.at(-1);
  if (unit !== 'C' && unit !== 'F' && unit !== 'K') return undefined;
  const digits = text.slice(0, -1);
  if (!/^[\t-\r ]*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(digits)) return undefined;
  const given = Math.fround(Number(digits));
  const celsius = unit === 'F' ? Math.fround(Math.fround(Math.fround(given - 32) * 5) / 9) : given;
  let kelvin = unit === 'K' ? celsius : Math.fround(celsius + 273.15);
  for (let i = 0; i < temperatureDigits(format); i++) kelvin = Math.fround(kelvin * 10);
  return BigInt(Math.trunc(kelvin + 0.5));
}

/** Decimals of a temperature: 1, or the digit behind IK. */
export function temperatureDigits(format: string): number {
  const digit = format[2];
  return digit !== undefined && digit >= '0' && digit <= '9' ? Number(digit) : 1;
}

function encode(value: bigint, { size }: NumberType): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, value), true);
  return bytes.subarray(0, size);
}

/** The numbers of a value, without a rest that is too short for one. */
export function decodeNumbers(value: Uint8Array, { size, signed }: NumberType): readonly bigint[] {
  const numbers: bigint[] = [];
  for (let at = 0; at + size <= value.length; at += size) {
    let number = 0n;
    for (let i = size - 1; i >= 0; i--) number = (number << 8n) | BigInt(value[at + i]);
    numbers.push(signed ? BigInt.asIntN(size * 8, number) : number);
  }
  return numbers;
}

/** `%#0*jx` with two characters more than the type has digits; zero has no prefix there. */
export function hexNumber(value: bigint, { size }: NumberType): string {
  const width = 2 + size * 2;
  const digits = BigInt.asUintN(size * 8, value).toString(16);
  return value === 0n ? digits.padStart(width, '0') : `0x${digits.padStart(width - 2, '0')}`;
}
