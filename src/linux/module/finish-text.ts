import type { Ptr } from '../../cpu/layout.js';
import { CALL, JMP } from '../abi/instructions.js';
import { hasCpuFeature } from '../cpu-features.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { type Once, warn } from '../warn.js';
import { checkFtraceSites } from './ftrace-sites.js';
import { applyAlternatives, applyJumpLabels } from './patch-sites.js';

const TWO_BYTES = 0x0f;
/** Second byte of jcc disp32. */
const JCC = 0x80;
const JMP_BYTES = 5;
const DISPLACEMENT_BYTES = 4;
/** Segments, operand and address size, repetition. */
const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3]);
const REX = 0x40;

/** module_finalize(): the text becomes what this CPU and the state of the kernel ask for. What cannot be is told in the log. */
export function finishText(k: LinuxKernel, module: LoadedModule): void {
  checkRetpolines(k, module);
  checkReturns(k, module);
  applyAlternatives(k, module, (feature) => hasCpuFeature(k, feature));
  applyJumpLabels(k, module);
  checkUnwindTables(k, module);
  checkFtraceSites(k, module);
}

/** Places that a section of relative words of 32 bits points to, its last and perhaps incomplete one included. */
function* sites(k: LinuxKernel, module: LoadedModule, name: string): Generator<Ptr> {
  const section = module.section(name);
  if (!section) return;
  for (let at = section.address; at < section.address + section.size; at += DISPLACEMENT_BYTES)
    yield at + k.space.loadInt32(at);
}

/** Where an instruction's opcode is, behind its prefixes. */
function opcodeAt(k: LinuxKernel, instruction: Ptr): Ptr {
  let at = instruction;
  while (PREFIXES.has(k.space.bytes[at]) || (k.space.bytes[at] & 0xf0) === REX) at++;
  return at;
}

const once = (k: LinuxKernel): Once => k.get(Modules).once;

/** apply_retpolines(): each site is a call of a thunk, or a jump to one. */
function checkRetpolines(k: LinuxKernel, module: LoadedModule): void {
  const { bytes } = k.space;
  for (const site of sites(k, module, '.retpoline_sites')) {
    const at = opcodeAt(k, site);
    const first = bytes[at];
    const jcc = first === TWO_BYTES && (bytes[at + 1] & 0xf0) === JCC;
    if (first === CALL || first === JMP || jcc) continue;
    if (once(k).first('retpoline')) warn(k, '', 'arch/x86/kernel/alternative.c:739', 'apply_retpolines');
  }
}

/** apply_returns(): each site is a jump to the return thunk. */
function checkReturns(k: LinuxKernel, module: LoadedModule): void {
  if (!k.hasSymbol('apply_returns') || !k.hasSymbol('__x86_return_thunk')) return;
  const { space } = k;
  const thunk = k.fn('__x86_return_thunk');
  for (const site of sites(k, module, '.return_sites')) {
    const at = opcodeAt(k, site);
    const target = space.bytes[at] === JMP ? at + JMP_BYTES + space.loadInt32(at + 1) : 0;
    if (target === thunk || !once(k).first('return thunk')) continue;
    const shown = [...space.bytes.subarray(site, site + JMP_BYTES)].map((byte) =>
      byte.toString(16).padStart(2, '0'),
    );
    const to = target === 0 ? '0x0' : symbolize(k, target);
    const text = `missing return thunk: 0x${space.toAddress(site).toString(16)}-${to}: ${shown.join(' ')}`;
    warn(k, text, 'arch/x86/kernel/alternative.c:823', 'apply_returns');
  }
}

/** unwind_module_init(): as many addresses as entries of the ORC unwinder. */
function checkUnwindTables(k: LinuxKernel, module: LoadedModule): void {
  const entries = module.section('.orc_unwind');
  const addresses = module.section('.orc_unwind_ip');
  if (!entries || !addresses || !k.hasSymbol('unwind_module_init')) return;
  const entry = k.sizeOf('orc_entry');
  const regular =
    addresses.size % DISPLACEMENT_BYTES === 0 &&
    entries.size % entry === 0 &&
    addresses.size / DISPLACEMENT_BYTES === entries.size / entry;
  if (!regular && once(k).first('orc')) warn(k, '', 'arch/x86/kernel/unwind_orc.c:250', 'unwind_module_init');
}
