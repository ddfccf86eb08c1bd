import type { Ptr } from '../../cpu/layout.js';
import { CALL, JMP } from '../abi/instructions.js';
import { Oops } from '../errors.js';
import type { LoadedModule, PlacedSection } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';

const CALL_LENGTH = 5;
const JMP8 = 0xeb;
/** Bit of alt_instr.cpuid: apply when the feature is absent (ALTINSTR_FLAG_INV). */
const ALT_INVERTED_OLD = 1 << 15;
const ALT_NOT_NEW = 1 << 0;
/** Bit of alt_instr.flags: make the indirect call through memory that is there a direct one (ALT_FLAG_DIRECT_CALL). */
const ALT_DIRECT_CALL = 1 << 1;
/** call *disp32(%rip) */
const INDIRECT_CALL = [0xff, 0x15] as const;
const INDIRECT_CALL_LENGTH = 6;

/** Recommended multi-byte NOPs (Intel SDM vol. 2, NOP). */
const NOPS: readonly (readonly number[])[] = [
  [],
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

function nops(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const nop = NOPS[Math.min(length - at, NOPS.length - 1)];
    bytes.set(nop, at);
    at += nop.length;
  }
  return bytes;
}

/** Something with sections: a module, or the kernel's own image. */
export type SectionHolder = Pick<LoadedModule, 'section'>;

/** Bytes that code is to have. */
export interface Patch {
  readonly site: Ptr;
  readonly bytes: Uint8Array;
}

/**
 * Chooses between the instruction sequences in `.altinstructions` by the CPU's features, as
 * apply_alternatives does at load.
 */
export function applyAlternatives(
  k: LinuxKernel,
  module: SectionHolder,
  hasFeature: (feature: number) => boolean,
): void {
  for (const at of alternatives(k, module)) {
    const patch = alternativePatch(k, at, hasFeature);
    if (patch) k.space.patch(patch.site, patch.bytes);
  }
}

/** The entries of `.altinstructions`, each a struct alt_instr. */
export function* alternatives(k: LinuxKernel, module: SectionHolder): Generator<Ptr> {
  const table = module.section('.altinstructions');
  if (table) yield* entries(table, k.struct('alt_instr').size);
}

/** Where an entry of `.altinstructions` patches, and how many bytes. */
export function alternativeSite(k: LinuxKernel, at: Ptr): { readonly site: Ptr; readonly length: number } {
  const alt = k.struct('alt_instr');
  return { site: relative(k, alt.addr(at, 'instr_offset')), length: alt.get(at, 'instrlen') };
}

/**
 * What an entry of `.altinstructions` replaces; undefined where the original stays. `original`: the bytes that are there in the file,
 * where memory may not have all of them.
 */
export function alternativePatch(
  k: LinuxKernel,
  at: Ptr,
  hasFeature: (feature: number) => boolean,
  original = (site: Ptr, length: number): Uint8Array => k.space.bytes.subarray(site, site + length),
): Patch | undefined {
  const alt = k.struct('alt_instr');
  const { space } = k;
  const separateFlags = alt.has('flags');
  const cpuid = separateFlags ? alt.get(at, 'cpuid') : alt.get(at, 'cpuid') & ~ALT_INVERTED_OLD;
  const inverted = separateFlags
    ? (alt.get(at, 'flags') & ALT_NOT_NEW) !== 0
    : (alt.get(at, 'cpuid') & ALT_INVERTED_OLD) !== 0;
  if (hasFeature(cpuid) === inverted) return undefined;
  const { site, length } = alternativeSite(k, at);
  if (separateFlags && (alt.get(at, 'flags') & ALT_DIRECT_CALL) !== 0)
    return { site, bytes: directCall(k, site, original(site, length)) };
  const replacement = relative(k, alt.addr(at, 'repl_offset'));
  const used = alt.get(at, 'replacementlen');
  const bytes = nops(length);
  space.bringIn(replacement);
  bytes.set(space.bytes.subarray(replacement, replacement + used));
  bytes.set(nops(length - used), used);
  if (used === 5 && (bytes[0] === CALL || bytes[0] === JMP)) {
    const view = new DataView(bytes.buffer);
    view.setInt32(1, view.getInt32(1, true) + replacement - site, true);
  }
  return { site, bytes };
}

/** What takes the place of an indirect call: a call of the function that its pointer holds. */
function directCall(k: LinuxKernel, site: Ptr, original: Uint8Array): Uint8Array {
  const { length } = original;
  const indirect = INDIRECT_CALL.every((byte, i) => original[i] === byte);
  if (!indirect || length !== INDIRECT_CALL_LENGTH)
    throw new Oops('bug', 'kernel BUG at arch/x86/kernel/alternative.c: no indirect call to replace', site);
  const distance = new DataView(original.buffer, original.byteOffset).getInt32(INDIRECT_CALL.length, true);
  const slot = site + INDIRECT_CALL_LENGTH + distance;
  const bytes = nops(length);
  bytes[0] = CALL;
  new DataView(bytes.buffer).setInt32(1, k.space.loadPtr(slot) - (site + CALL_LENGTH), true);
  bytes.set(nops(length - CALL_LENGTH), CALL_LENGTH);
  return bytes;
}

/** struct static_key: bits of jump_entry.key. */
const JUMP_TYPE_TRUE = 1;

/**
 * Sets the module's jump-label sites (`__jump_table`) to what their keys say: a jump to the target where the
 * key's state differs from the branch's default, a NOP otherwise (arch_jump_label_transform).
 */
export function applyJumpLabels(k: LinuxKernel, module: LoadedModule): void {
  for (const entry of jumpEntries(k, module)) setJump(k, entry);
}

export interface JumpEntry {
  readonly code: Ptr;
  readonly target: Ptr;
  readonly key: Ptr;
  /** The branch is taken while the key is false. */
  readonly inverted: boolean;
}

export function jumpEntries(k: LinuxKernel, module: SectionHolder): JumpEntry[] {
  const table = module.section('__jump_table');
  return table ? [...entries(table, k.struct('jump_entry').size)].map((at) => jumpEntryAt(k, at)) : [];
}

/** An entry of `__jump_table`, a struct jump_entry. */
export function jumpEntryAt(k: LinuxKernel, at: Ptr): JumpEntry {
  const type = k.struct('jump_entry');
  const keyAt = type.addr(at, 'key');
  const raw = k.space.loadS64(keyAt);
  const bits = raw & 3;
  return {
    code: relative(k, type.addr(at, 'code')),
    target: relative(k, type.addr(at, 'target')),
    key: keyAt + (raw - bits),
    inverted: (bits & JUMP_TYPE_TRUE) !== 0,
  };
}

/** Writes the jump or NOP that the key's present state asks for. */
export function setJump(k: LinuxKernel, entry: JumpEntry): void {
  const enabled = k.space.canRead(entry.key, 4) && k.space.loadInt32(entry.key) > 0;
  const { site, bytes } = jumpPatch(k, entry, enabled);
  writeIfChanged(k, site, bytes);
}

/** The jump or NOP of a branch whose key is `enabled`. */
export function jumpPatch({ space }: LinuxKernel, entry: JumpEntry, enabled: boolean): Patch {
  const first = space.bytes[entry.code];
  // jmp8 and the two-byte NOP (66 90) mark a short site; both long forms are five bytes.
  const short = first === JMP8 || first === 0x66;
  const length = short ? 2 : 5;
  if (enabled === entry.inverted) return { site: entry.code, bytes: nops(length) };
  const distance = entry.target - (entry.code + length);
  const bytes = new Uint8Array(length);
  bytes[0] = short ? JMP8 : JMP;
  if (short) bytes[1] = distance;
  else new DataView(bytes.buffer).setInt32(1, distance, true);
  return { site: entry.code, bytes };
}

function writeIfChanged(k: LinuxKernel, at: Ptr, bytes: Uint8Array): void {
  if (bytes.some((byte, i) => k.space.bytes[at + i] !== byte)) k.space.patch(at, bytes);
}

function* entries(table: PlacedSection, size: number): Generator<Ptr> {
  for (let at = table.address; at + size <= table.address + table.size; at += size) yield at;
}

/** A 32-bit offset that is relative to where it is stored. */
function relative(k: LinuxKernel, at: Ptr): Ptr {
  return at + k.space.loadInt32(at);
}
