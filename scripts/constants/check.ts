import type { LinuxTarget } from '../../src/target/index.js';
import type { Definition } from './definitions.js';

/** What an enumerator of a name is in each kernel, `6.1.0-53-amd64: 7`; undefined where one of them has none, so that nobody can ask. */
export function enumerators(kernels: readonly LinuxTarget[], name: string): string[] | undefined {
  const values = kernels.map(({ release, types }) => [release, types.findEnumValue(name)] as const);
  if (values.some(([, value]) => value === undefined)) return undefined;
  return values.map(([release, value]) => `${release}: ${value}`);
}

/** What is wrong with some constants, a line each: see scripts/constants.ts. */
export function wrongConstants(
  found: readonly Definition[],
  enumerator: (name: string) => string[] | undefined,
): string[] {
  const byName = new Map<string, Definition[]>();
  for (const each of found) byName.set(each.name, [...(byName.get(each.name) ?? []), each]);
  return [...byName].flatMap(([name, all]) => [
    ...twins(all),
    ...(isCompound(name) ? asked(all, enumerator) : []),
  ]);
}

const place = ({ file, line }: Definition): string => `src/${file}:${line}`;

/** Whether a name is too long to be a word that any file may use for something of its own. */
function isCompound(name: string): boolean {
  return name.includes('_');
}

/** Folders of one system alone: their numbers are its own, and another system's of the same name are others. */
const SYSTEMS: readonly (readonly [system: string, folders: RegExp])[] = [
  ['linux', /^(linux|kmod|machine\/linux)\//],
  ['freebsd', /^(freebsd|kld|machine\/freebsd|formats\/kld|cli\/freebsd)\//],
];

function systemOf({ file }: Definition): string | undefined {
  return SYSTEMS.find(([, folders]) => folders.test(file))?.[0];
}

/** Of each system with what is of none. */
function twins(all: readonly Definition[]): string[] {
  const lines = SYSTEMS.flatMap(([system]) =>
    twinsOf(all.filter((each) => (systemOf(each) ?? system) === system)),
  );
  return [...new Set(lines)];
}

function twinsOf(all: readonly Definition[]): string[] {
  const open = all.filter(({ excuse }) => excuse === undefined);
  const [first, ...others] = open;
  return others.flatMap((other) => {
    const same = open.find(
      ({ value, line, file }) => value === other.value && (line !== other.line || file !== other.file),
    );
    if (same && open.indexOf(same) < open.indexOf(other))
      return [`${place(other)}: ${other.name} = ${other.value} is at ${place(same)} too`];
    const isNumber = ({ value }: Definition): boolean => /^-?\d+$/.test(value);
    if (!isCompound(other.name) && !open.some(({ exported }) => exported)) return [];
    if (!isNumber(other) || !isNumber(first)) return [];
    return [`${place(other)}: ${other.name} is ${other.value} here, and ${first.value} at ${place(first)}`];
  });
}

function asked(all: readonly Definition[], enumerator: (name: string) => string[] | undefined): string[] {
  const linux = all.filter(({ file, excuse }) => file.startsWith('linux/') && excuse === undefined);
  if (linux.length === 0) return [];
  const known = enumerator(linux[0].name);
  if (known === undefined) return [];
  return linux.map(
    (each) =>
      `${place(each)}: ${each.name} = ${each.value}: ask the target for the enumerator (${known.join(', ')})`,
  );
}
