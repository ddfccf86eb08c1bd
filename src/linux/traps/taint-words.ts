import { type KnownTaint, TAINT_FLAGS, type TaintName } from '../kallsyms/taint.js';

/** What each flag says (Documentation/admin-guide/tainted-kernels.rst), in a line. */
const WORDS: Readonly<Record<TaintName, string>> = {
  PROPRIETARY_MODULE: 'a module whose licence is not compatible with the GPL was loaded',
  FORCED_MODULE: 'a module was loaded by force (insmod -f, modprobe -f)',
  CPU_OUT_OF_SPEC: 'the kernel runs on a processor or system that is out of its specification',
  FORCED_RMMOD: 'a module was removed by force (rmmod -f)',
  MACHINE_CHECK: 'the processor reported a machine check exception',
  BAD_PAGE: 'a page or a slab object was found damaged',
  USER: 'somebody asked for it: a dangerous option was set, or user space wrote the flag',
  DIE: 'the kernel died once: there was an oops or a BUG',
  OVERRIDDEN_ACPI_TABLE: 'an ACPI table was replaced by the user',
  WARN: 'the kernel issued a warning',
  CRAP: 'a module of the staging directory was loaded',
  FIRMWARE_WORKAROUND: 'the kernel works around a bug in the firmware',
  OOT_MODULE: "a module that is not of the kernel's own source was loaded",
  UNSIGNED_MODULE: 'a module without a trusted signature was loaded',
  SOFTLOCKUP: 'a task kept a processor to itself for too long: soft lockup',
  LIVEPATCH: 'the kernel was patched while it runs',
  AUX: 'for the use of distributions',
  RANDSTRUCT: 'the kernel was built with structures in a random order',
  TEST: 'an in-kernel test was run, or a module for testing was loaded',
  FWCTL: "somebody went past the kernel's drivers to a device's firmware (fwctl)",
};

const LETTERS: ReadonlyMap<string, KnownTaint> = new Map(TAINT_FLAGS.map((flag) => [flag.letter, flag]));

/** Two flags have letters where they are clear: 'G' and blanks. */
const CLEAR = /[G\s]/;

const MASK_BITS = 64;

/** A bit of a taint mask, explained. */
export interface ExplainedTaint {
  readonly flag: string;
  readonly bit: number;
  readonly name: string;
  readonly text: string;
}

/** The flags of a mask in words, bit 0 first. Bits that no kernel known here has are told as such, with `?`. */
export function explainTaint(mask: bigint): ExplainedTaint[] {
  const found: ExplainedTaint[] = [];
  for (let bit = 0; bit < MASK_BITS; bit++) {
    if (((mask >> BigInt(bit)) & 1n) === 0n) continue;
    const flag: KnownTaint | undefined = TAINT_FLAGS[bit];
    found.push(
      flag
        ? { flag: flag.letter, bit, name: flag.name, text: WORDS[flag.name] }
        : { flag: '?', bit, name: '', text: 'a flag that modbox does not know' },
    );
  }
  return found;
}

/**
 * A taint mask as people have it: a number (decimal, or hexadecimal with 0x), or the letters of an oops or of
 * /proc/modules (`G           OE`, `(OE)`, `Tainted: [O]=OOT_MODULE, [E]=UNSIGNED_MODULE`, `Not tainted`). Undefined for
 * what is none.
 */
export function parseTaint(text: string): bigint | undefined {
  const given = text.trim();
  if (/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(given)) {
    const mask = BigInt(given);
    return mask >> BigInt(MASK_BITS) === 0n ? mask : undefined;
  }
  if (/^not tainted$/i.test(given)) return 0n;
  const letters = given.replace(/^tainted:/i, '').trim();
  if (letters === '') return undefined;
  const named = [...letters.matchAll(/\[(.)\]=[A-Z_]+(?:, |$)/g)];
  if (named.length > 0 && named.map(([whole]) => whole).join('') === letters)
    return maskOf(named.map(([, letter]) => letter));
  return maskOf([...letters.replace(/^\((.*)\)$/, '$1')].filter((letter) => !CLEAR.test(letter)));
}

function maskOf(letters: readonly string[]): bigint | undefined {
  let mask = 0n;
  for (const letter of letters) {
    const flag = LETTERS.get(letter);
    if (flag === undefined) return undefined;
    mask |= 1n << BigInt(flag.bit);
  }
  return mask;
}

/** The letters of a mask without blanks, with the G of a kernel that is not proprietary: `GOE`. */
export function taintLetters(mask: bigint): string {
  const set = explainTaint(mask).map(({ flag }) => flag);
  return (mask & 1n) === 0n ? ['G', ...set].join('') : set.join('');
}
