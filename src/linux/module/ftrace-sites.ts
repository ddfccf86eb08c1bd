import type { Ptr } from '../../cpu/layout.js';
import { LOGLEVEL_INFO } from '../../kernel/log.js';
import { CALL } from '../abi/instructions.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { warn } from '../warn.js';

const CALL_BYTES = 5;
const POINTER = 8;
/** What the kernel names the state that ftrace never comes back from (ftrace_kill()). */
const KILLED = 'ftrace is dead';

/**
 * ftrace_module_init(): where `__mcount_loc` points, functions begin with a call of `__fentry__`, which ftrace makes a NOP.
 * At the first place that is otherwise ftrace says so and gives up, for this boot.
 */
export function checkFtraceSites(k: LinuxKernel, module: LoadedModule): void {
  const section = module.section('__mcount_loc');
  if (!section || !k.configured('CONFIG_DYNAMIC_FTRACE') || !k.hasSymbol('__fentry__')) return;
  if (k.get(Modules).dead.has(KILLED)) return;
  const { space } = k;
  const found: Ptr[] = [];
  for (let at = section.address; at + POINTER <= section.address + section.size; at += POINTER)
    found.push(space.loadPtr(at));
  const bad = found
    .filter((site) => site !== 0)
    .sort((a, b) => a - b)
    .find((site) => !callsFentry(k, site));
  if (bad === undefined) return;
  k.get(Modules).dead.add(KILLED);
  reportBug(k, bad);
}

function expected(k: LinuxKernel, site: Ptr): Uint8Array {
  const bytes = new Uint8Array(CALL_BYTES);
  bytes[0] = CALL;
  new DataView(bytes.buffer).setInt32(1, k.fn('__fentry__') - (site + CALL_BYTES), true);
  return bytes;
}

function callsFentry(k: LinuxKernel, site: Ptr): boolean {
  return (
    k.space.canRead(site, CALL_BYTES) &&
    expected(k, site).every((byte, i) => k.space.bytes[site + i] === byte)
  );
}

/** ftrace_bug() of kernel/trace/ftrace.c. */
function reportBug(k: LinuxKernel, site: Ptr): void {
  const address = k.space.toAddress(site).toString(16).padStart(16, '0');
  const hex = (bytes: Uint8Array): string =>
    [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  const line = (text: string): void => k.log.line(text, LOGLEVEL_INFO);
  warn(k, '', 'arch/x86/kernel/ftrace.c:95', 'ftrace_verify_code');
  line('------------[ ftrace bug ]------------');
  line('ftrace failed to modify ');
  line(`[<${address}>] 0x${address}`);
  line(` actual:   ${hex(k.space.bytes.subarray(site, site + CALL_BYTES))}`);
  line(` expected: ${hex(expected(k, site))}`);
  line('Initializing ftrace call sites');
  line(`ftrace record flags: ${k.enumValue('FTRACE_FL_DISABLED').toString(16)}`);
  line(' (0)  ');
  line(` expected tramp: ${k.space.toAddress(k.symbol('ftrace_caller')).toString(16)}`);
  warn(k, '', 'kernel/trace/ftrace.c:2152', 'ftrace_bug');
}
