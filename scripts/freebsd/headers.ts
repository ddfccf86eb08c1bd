import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Compiler } from './compiler.js';

/** Folders of the kernel's among the installed headers. `machine` comes from the architecture's own folder. */
const FOLDERS = [
  'sys',
  'vm',
  'net',
  'net80211',
  'netgraph',
  'netinet',
  'netinet6',
  'netipsec',
  'netlink',
  'netpfil',
  'netsmb',
  'geom',
  'cam',
  'dev',
  'x86',
  'security',
  'bsm',
  'crypto',
  'fs',
  'isofs',
  'nfs',
  'nfsclient',
  'nfsserver',
  'teken',
  'ufs',
] as const;

/** Headers that look like the kernel's and are not: what of them compiles with _KERNEL would be wrong facts. */
const LEFT_OUT: readonly { readonly path: RegExp; readonly why: string }[] = [
  { path: /^netlink\/netlink_snl/, why: 'of user programs' },
  { path: /^net\/netmap_user\.h$/, why: 'of user programs' },
  { path: /^dev\/ofw\//, why: 'Open Firmware: not of amd64' },
  { path: /^dev\/powermac_nvram\//, why: 'not of amd64' },
  { path: /^dev\/hwpmc\/hwpmc_(arm64|armv7|cmn600|dmc620|powerpc|riscv)\.h$/, why: 'not of amd64' },
  { path: /^dev\/hwpmc\/pmu_dmc620_reg\.h$/, why: 'not of amd64' },
  { path: /^sys\/(asan|bus_san|csan|atomic_san|msan)\.h$/, why: 'of kernels with sanitizers' },
  { path: /^sys\/_atomic_subword\.h$/, why: 'of machines without atomics of bytes' },
];

/** Headers that the rest leans on without including them, or that only compile before others. */
const PRELUDE = [
  'sys/param.h',
  'sys/systm.h',
  'sys/kernel.h',
  'sys/malloc.h',
  'sys/lock.h',
  'sys/mutex.h',
  'sys/proc.h',
  'sys/module.h',
  'sys/bus.h',
  'sys/conf.h',
  'sys/sysctl.h',
  'sys/socket.h',
  'sys/mbuf.h',
  'sys/vnode.h',
  'sys/mount.h',
  'vm/vm.h',
  'vm/pmap.h',
  'vm/vm_extern.h',
  'vm/vm_object.h',
  'vm/vm_page.h',
  'machine/bus.h',
  'sys/rman.h',
  'sys/taskqueue.h',
  'sys/bio.h',
  'sys/socketvar.h',
  'vm/uma.h',
  'geom/geom.h',
  'net/if.h',
  'net/if_var.h',
  'net/vnet.h',
  'net/if_types.h',
  'net/if_dl.h',
  'net/ethernet.h',
  'net/if_media.h',
  'net/netmap.h',
  'net/iflib.h',
  'netinet/in.h',
  'netinet/in_systm.h',
  'netinet/ip.h',
  'netinet/tcp.h',
  'netinet/in_pcb.h',
  'netinet/tcp_var.h',
  'net80211/ieee80211_var.h',
  'net80211/ieee80211_input.h',
  'net80211/ieee80211_superg.h',
  'sys/dirent.h',
  'ufs/ufs/dir.h',
  'geom/gate/g_gate.h',
  'geom/multipath/g_multipath.h',
  'dev/usb/usb.h',
  'dev/usb/usbdi.h',
  'dev/usb/usb_busdma.h',
  'dev/usb/usb_process.h',
  'dev/usb/usb_controller.h',
  'dev/usb/usb_bus.h',
  'dev/usb/usb_device.h',
] as const;

export interface RefusedHeader {
  readonly path: string;
  readonly why: string;
}

export interface ChosenHeaders {
  /** In an order in which they compile together. */
  readonly accepted: readonly string[];
  readonly refused: readonly RefusedHeader[];
}

/** Every header of the kernel: paths as #include has them. */
export function kernelHeaders(generic: string, machine: string): string[] {
  const found = FOLDERS.flatMap((folder) => headersBelow(generic, folder));
  return [...found, ...headersBelow(machine, 'machine')].sort();
}

function headersBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (statSync(join(root, path)).isDirectory()) return headersBelow(root, path);
    return name.endsWith('.h') ? [path] : [];
  });
}

export const includes = (headers: readonly string[]): string[] => headers.map((path) => `#include <${path}>`);

/**
 * As many of the headers as compile together. Those that need others before them are tried again when the others are
 * there, until a round brings nothing more.
 */
export function chooseHeaders(
  compiler: Compiler,
  headers: readonly string[],
  say: (line: string) => void,
): ChosenHeaders {
  const refused: RefusedHeader[] = [];
  let accepted: string[] = [...PRELUDE];
  let waiting = headers.filter((path) => {
    const rule = LEFT_OUT.find((left) => left.path.test(path));
    if (rule) refused.push({ path, why: rule.why });
    return !rule && !accepted.includes(path);
  });
  for (let round = 1; waiting.length > 0; round++) {
    const reasons = new Map<string, string>();
    const pch = precompile(compiler, accepted);
    const fitting = waiting.filter((path) => {
      const source = compiler.write('one.c', includes([path]));
      const [error] = compiler.errors(source, ['-include-pch', pch]);
      if (error) reasons.set(path, error.text);
      return error === undefined;
    });
    const before = accepted.length;
    accepted = together(compiler, accepted, fitting, reasons);
    say(`round ${round}: ${accepted.length - before} of ${waiting.length} headers`);
    waiting = waiting.filter((path) => !accepted.includes(path));
    if (accepted.length > before) continue;
    refused.push(...waiting.map((path) => ({ path, why: reasons.get(path) ?? 'does not compile' })));
    break;
  }
  return { accepted, refused };
}

/** Those of `fitting` that compile with each other as well; whose error it is, the line of the list tells. */
function together(
  compiler: Compiler,
  accepted: readonly string[],
  fitting: readonly string[],
  reasons: Map<string, string>,
): string[] {
  let list = [...accepted, ...fitting];
  for (;;) {
    const culprit = firstCulprit(compiler, list);
    if (culprit === undefined) return list;
    reasons.set(culprit.path, culprit.why);
    list = list.filter((path) => path !== culprit.path);
  }
}

/** The first header of the list that does not compile behind those before it. Found by halving. */
function firstCulprit(compiler: Compiler, list: readonly string[]): RefusedHeader | undefined {
  const errorOf = (count: number) =>
    compiler.errors(compiler.write('together.c', includes(list.slice(0, count))))[0];
  const error = errorOf(list.length);
  if (!error) return undefined;
  let good = 0;
  let bad = list.length;
  let why = error.text;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    const found = errorOf(middle);
    if (found) why = found.text;
    if (found) bad = middle;
    else good = middle;
  }
  return { path: list[bad - 1], why };
}

/** A precompiled header with all of them; answers its path. */
export function precompile(
  compiler: Compiler,
  headers: readonly string[],
  extra: readonly string[] = [],
): string {
  const source = compiler.write('all.h', includes(headers));
  const pch = `${source}.pch`;
  compiler.compile(['-x', 'c-header', ...extra, source, '-o', pch]);
  return pch;
}
