import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Sysctls } from './sysctl.js';

const MAXPATHLEN = 1024;
const MAXHOSTNAMELEN = 256;
/** linker_path of sys/kern/kern_linker.c. */
const MODULE_PATH = '/boot/kernel;/boot/modules';

/** What the kernel tells of itself below `kern` (sys/kern/kern_mib.c), and kern.module_path. */
export class KernMib implements Subsystem {
  readonly exports = {};
  private modulePathAt: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  /** Where files of modules are looked for: directories with ';' between. */
  get modulePath(): string {
    return this.k.space.cstring(this.modulePathAt, MAXPATHLEN);
  }

  boot(): void {
    const { k } = this;
    const { target } = k;
    const own = (name: string): number => k.macro(name);
    this.text('kern.ostype', own('KERN_OSTYPE'), 'FreeBSD');
    this.text('kern.osrelease', own('KERN_OSRELEASE'), target.release);
    this.text('kern.version', own('KERN_VERSION'), `${target.version}\n`);
    this.text('kern.hostname', own('KERN_HOSTNAME'), 'modbox', MAXHOSTNAMELEN);
    this.integer('kern.osreldate', own('KERN_OSRELDATE'), target.osreldate);
    const path = k.environment.get('module_path') ?? MODULE_PATH;
    this.modulePathAt = this.text('kern.module_path', undefined, path, MAXPATHLEN);
  }

  /** `room`: one that can be written, with so many bytes. */
  private text(path: string, number: number | undefined, value: string, room = 0): Ptr {
    const { k } = this;
    const bytes = Math.max(room, value.length + 1);
    const at = k.permanent(bytes);
    k.space.storeCstring(at, value.slice(0, bytes - 1));
    const kind = k.macro('CTLTYPE_STRING') | k.macro(room > 0 ? 'CTLFLAG_RW' : 'CTLFLAG_RD');
    const handler = k.fn('sysctl_handle_string');
    const fields = { oid_kind: kind, oid_arg1: at, oid_arg2: room, oid_handler: handler };
    k.get(Sysctls).leaf(path, number, fields, 'A');
    return at;
  }

  private integer(path: string, number: number, value: number): void {
    const { k } = this;
    const at = k.permanent(4);
    k.space.store32(at, value);
    const kind = k.macro('CTLTYPE_INT') | k.macro('CTLFLAG_RD');
    const handler = k.fn('sysctl_handle_int');
    const fields = { oid_kind: kind, oid_arg1: at, oid_arg2: 0, oid_handler: handler };
    k.get(Sysctls).leaf(path, number, fields, 'I');
  }
}
