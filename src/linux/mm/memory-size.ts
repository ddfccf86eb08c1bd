import { bootParameter } from '../boot-parameters.js';
import { RAM } from '../memory-map.js';

const MIB = 1 << 20;
/** What a machine has that nobody said anything about. */
const DEFAULT_BYTES = 512 * MIB;
/** The base kernel itself needs some. */
const LEAST_MEMORY = 32 * MIB;
const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** A number with one of memparse()'s suffixes (lib/cmdline.c), in bytes; undefined if it is none. */
function parseBytes(text: string): number | undefined {
  const match = /^(0x[0-9a-f]+|\d+)([kmgt]?)$/i.exec(text);
  return match ? Number(match[1]) * (UNITS[match[2].toLowerCase()] ?? 1) : undefined;
}

/** Memory of the machine in bytes: the boot parameter `mem=`, as far as modbox can have it, or 512 MiB. */
export function memorySize(cmdline: string): number {
  const asked = parseBytes(bootParameter(cmdline, 'mem') ?? '');
  return asked === undefined ? DEFAULT_BYTES : Math.min(Math.max(asked, LEAST_MEMORY), RAM.size);
}

/** What is to be said of a `mem=` that is not what the machine gets; undefined if it is. */
export function memoryComplaint(cmdline: string): string | undefined {
  const given = bootParameter(cmdline, 'mem');
  if (given === undefined) return undefined;
  const size = memorySize(cmdline);
  const asked = parseBytes(given);
  if (asked === undefined) return `mem=${given} is no size: the machine has ${size / MIB} MiB`;
  return asked === size
    ? undefined
    : `mem=${given}: a machine can have ${LEAST_MEMORY / MIB} to ${RAM.size / MIB} MiB, this one has ${size / MIB}`;
}
