import type { ErrnoName, Reason } from '../reason.js';
import type { Case } from './rule.js';

/** Options of a module that the kernel takes before it asks the module (dyndbg), or that mean nothing any more. */
const LOADER_OPTIONS = ['dyndbg', 'async_probe'];

/** Bits and sign of what kstrtoint() and the like take (include/linux/moduleparam.h). */
const INTEGERS: Readonly<
  Record<string, { readonly bits: number; readonly signed: boolean; readonly base?: 16 }>
> = {
  byte: { bits: 8, signed: false },
  short: { bits: 16, signed: true },
  ushort: { bits: 16, signed: false },
  int: { bits: 32, signed: true },
  uint: { bits: 32, signed: false },
  long: { bits: 64, signed: true },
  ulong: { bits: 64, signed: false },
  ullong: { bits: 64, signed: false },
  hexint: { bits: 32, signed: false, base: 16 },
};
/** Longest text of a charp parameter (kernel/params.c). */
const MAX_STRING = 1024;

interface Given {
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * What the kernel would say of a module's parameters, those of modprobe.d and those that the user means to give
 * (parse_args()): it warns of unknown ones, and refuses the module for values that their type does not take. Of types that are
 * a driver's own nothing is known.
 */
export function* checkParameters(c: Case): Generator<Reason> {
  const { module, content, kernel, parameters } = c;
  const configured = kernel.config?.options.filter((line) => line.module === module.name) ?? [];
  const texts = [
    ...configured.map(({ text }) => ({ text, where: ' of modprobe.d' })),
    { text: parameters, where: '' },
  ];
  const types = new Map(content.modinfo.all('parmtype').map(typeIn));
  for (const { text, where } of texts)
    for (const { name, value } of splitArguments(text)) {
      const type = types.get(name.replaceAll('-', '_'));
      if (type === undefined) {
        if (!LOADER_OPTIONS.includes(name) && !name.startsWith(`${module.name}.`))
          yield {
            kind: 'parameter',
            parameter: name,
            line: `unknown parameter '${name}' ignored`,
            effect: 'note',
            text: `the parameter '${name}'${where} is none of the module's: the kernel ignores it`,
          };
        continue;
      }
      const errno = refusalOf(type, value);
      if (errno === undefined) continue;
      const size = errno === 'ENOSPC' ? 'too large' : 'invalid';
      yield {
        kind: 'parameter',
        parameter: name,
        line: `\`${value ?? ''}' ${size} for parameter \`${name}'`,
        effect: 'refused',
        errno,
        text: `'${value ?? ''}'${where} is ${size} for the parameter '${name}', which is ${type}`,
      };
    }
}

/** `name:type`. */
function typeIn(text: string): readonly [name: string, type: string] {
  const colon = text.indexOf(':');
  return [text.slice(0, Math.max(colon, 0)).replaceAll('-', '_'), text.slice(colon + 1)];
}

/** The error of a value, undefined for one that is taken or that nothing is known of. */
function refusalOf(type: string, value: string | undefined): ErrnoName | undefined {
  if (type.startsWith('array of ')) {
    if (value === undefined) return 'EINVAL';
    const errors = value.split(',').map((item) => refusalOf(type.slice('array of '.length), item));
    return errors.find((errno) => errno !== undefined);
  }
  if (type === 'bool' || type === 'invbool' || type === 'bint')
    return value === undefined || /^([yY1nN0tTfF]|[oO][nNfF])/.test(value) ? undefined : 'EINVAL';
  if (type === 'charp') {
    if (value === undefined) return 'EINVAL';
    return new TextEncoder().encode(value).length > MAX_STRING ? 'ENOSPC' : undefined;
  }
  return Object.hasOwn(INTEGERS, type) ? refusalOfInteger(INTEGERS[type], value) : undefined;
}

function refusalOfInteger(
  { bits, signed, base }: (typeof INTEGERS)[string],
  value: string | undefined,
): ErrnoName | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|[0-9a-fA-F]+)\n?$/.exec(value ?? '');
  if (!match) return 'EINVAL';
  const [, sign, digits] = match;
  const number = unsigned(digits, base);
  if (number === undefined || (sign === '-' && !signed)) return 'EINVAL';
  const limit = 1n << BigInt(signed ? bits - 1 : bits);
  const fits = sign === '-' ? number <= limit : number < limit;
  return fits ? undefined : 'ERANGE';
}

/** kstrtoull() with base 0: 0x and 0 in front decide. */
function unsigned(digits: string, base: 16 | undefined): bigint | undefined {
  if (/^0[xX]/.test(digits)) return BigInt(digits);
  if (base === 16) return BigInt(`0x${digits}`);
  if (/^0[0-7]+$/.test(digits)) return BigInt(`0o${digits}`);
  return /^(0|[1-9]\d*)$/.test(digits) ? BigInt(digits) : undefined;
}

/** next_arg(): at white space, but for that between double quotes, which are taken off. `--` ends a module's part. */
function splitArguments(text: string): Given[] {
  const found: Given[] = [];
  for (const word of text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? []) {
    if (word === '--') break;
    const bare = word.startsWith('"') ? word.slice(1).replace(/"$/, '') : word;
    const equals = bare.indexOf('=');
    if (equals < 0) {
      found.push({ name: bare, value: undefined });
      continue;
    }
    const value = bare.slice(equals + 1);
    found.push({
      name: bare.slice(0, equals),
      value: value.startsWith('"') ? value.slice(1).replace(/"$/, '') : value,
    });
  }
  return found;
}
