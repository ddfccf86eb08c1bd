import { parseBool } from '../../linux/lib/string/kstrtox.js';
import { CHARP_LIMIT, integerRefusal, PARAM_INTEGERS } from '../../linux/module/param-types.js';
import type { ErrnoName, Reason } from '../reason.js';
import type { Case } from './rule.js';

/** Options of a module that the kernel takes before it asks the module (dyndbg), or that mean nothing any more. */
const LOADER_OPTIONS = ['dyndbg', 'async_probe'];

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
    return value === undefined || parseBool(value) !== undefined ? undefined : 'EINVAL';
  if (type === 'charp') {
    if (value === undefined) return 'EINVAL';
    return new TextEncoder().encode(value).length > CHARP_LIMIT ? 'ENOSPC' : undefined;
  }
  return Object.hasOwn(PARAM_INTEGERS, type) ? integerRefusal(value ?? '', PARAM_INTEGERS[type]) : undefined;
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
