import type { Btf } from '../../formats/btf/index.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_NOTICE } from '../../kernel/log.js';
import {
  type DigestName,
  Keyring,
  OidRegistry,
  type RefusalCode,
  type SignatureVerdict,
  type Untrusted,
  verifyModule,
} from '../../trust/index.js';
import { TaskCredentials } from '../credentials.js';
import { EBADMSG, EINVAL, EKEYREJECTED, ENODATA, ENOENT, ENOKEY, ENOPKG, EPERM } from '../errno.js';
import { ProcFile } from '../fs/proc/node.js';
import { ProcFs } from '../fs/proc/procfs.js';
import { Sysctl } from '../fs/proc/sysctl.js';
import { TextServer } from '../fs/text-server.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { Lockdown } from '../security/lockdown.js';
import { ALGORITHM_OPTIONS, signaturePolicy, UNVOUCHED } from '../security/signature-policy.js';
import type { Subsystem } from '../subsystem.js';
import { LoadError } from './load-error.js';
import { ModuleDirectories } from './module-directory.js';

const ERRNO: Readonly<Record<RefusalCode, number>> = {
  ENODATA,
  ENOPKG,
  ENOKEY,
  EKEYREJECTED,
  EBADMSG,
  EINVAL,
  ENOENT,
};

interface CheckedFile {
  /** Bytes of the module without its signature. */
  readonly size: number;
  /** Signed by somebody the kernel trusts. */
  readonly signed: boolean;
}

/** Who may load modules, and which: CAP_SYS_MODULE, modules_disabled, signatures, module.sig_enforce, lockdown. */
export class ModuleSecurity implements Subsystem {
  readonly exports = {};
  /** /proc/sys/kernel/modules_disabled: for the rest of the machine's life. */
  disabled = false;
  /** Signatures are demanded. */
  enforced: boolean;
  private keys: Keyring | undefined;
  private registry: OidRegistry | undefined;

  constructor(private readonly k: LinuxKernel) {
    this.enforced = signaturePolicy(k.target.config, k.cmdline).enforced;
  }

  boot(): void {
    const { k } = this;
    const node = new ProcFile(
      'modules_disabled',
      0o644,
      k.get(ProcFs).root,
      0,
      () =>
        new TextServer(k, {
          text: () => `${Number(this.disabled)}\n`,
          write: (text, bytes) => this.disable(text, bytes.length),
        }),
    );
    k.get(Sysctl).directory(['kernel']).attach('modules_disabled', node);
    if (!k.configured('CONFIG_MODULE_SIG')) return;
    k.get(ModuleDirectories).addBuiltinParameter('module', 'sig_enforce', 0o644, {
      get: () => `${this.enforced ? 'Y' : 'N'}\n`,
      set: (text) => this.enforce(text),
    });
  }

  /** The certificates of the kernel, and the machine's own. */
  get keyring(): Keyring {
    this.keys ??= Keyring.of([...this.k.target.certificates, ...this.k.trust.keys]);
    return this.keys;
  }

  /** The object identifiers that the kernel knows are its `enum OID`. */
  private get oids(): OidRegistry {
    this.registry ??= registryOf(this.k.target.types);
    return this.registry;
  }

  /** may_init_module(), and the same question of delete_module(2). */
  demandPermission(): void {
    if (!this.k.get(TaskCredentials).capable('CAP_SYS_MODULE'))
      throw new LoadError(EPERM, 'loading and removing modules needs CAP_SYS_MODULE');
    if (this.disabled) throw new LoadError(EPERM, 'modules are disabled: /proc/sys/kernel/modules_disabled');
  }

  /** module_sig_check(): throws LoadError where the kernel does not take the file. */
  *check(bytes: Uint8Array, path: string, forced: boolean): Sleepable<CheckedFile> {
    if (!this.k.configured('CONFIG_MODULE_SIG')) return { size: bytes.length, signed: false };
    const verdict = yield* this.verdict(bytes, path, forced);
    for (const { level, text } of verdict.log) this.k.log.line(text, level);
    if (!verdict.trusted) this.demandUnsignedAllowed(verdict, path);
    return { size: verdict.size, signed: verdict.trusted };
  }

  /** A digest that is a module is loaded when it is first needed, as crypto_alloc_shash() does. */
  private *verdict(bytes: Uint8Array, path: string, forced: boolean): Sleepable<SignatureVerdict> {
    const missing = new Set<string>();
    const supports = (algorithm: DigestName | 'ecdsa'): boolean => {
      const has = this.has(algorithm);
      if (!has && this.k.configured(ALGORITHM_OPTIONS[algorithm])) missing.add(algorithm);
      return has;
    };
    const { verifier } = this.k.trust;
    const options = { forced, supports, oids: this.oids, ...(verifier && { verifier }) };
    const verdict = verifyModule(bytes, this.keyring, path, options);
    const request = this.k.get(Modules).requestModule;
    if (missing.size === 0 || !request) return verdict;
    for (const algorithm of missing) yield* request(`crypto-${algorithm}`);
    return verifyModule(bytes, this.keyring, path, options);
  }

  private has(algorithm: DigestName | 'ecdsa'): boolean {
    const { k } = this;
    const value = k.target.config.get(ALGORITHM_OPTIONS[algorithm]);
    if (value !== 'm') return value === 'y';
    const alias = `crypto-${algorithm}`;
    return k
      .get(Modules)
      .list()
      .some((module) => module.state === 'Live' && module.modinfo.all('alias').includes(alias));
  }

  private demandUnsignedAllowed({ code, reason }: Untrusted, path: string): void {
    const { k } = this;
    const kind = UNVOUCHED[code];
    if (kind === undefined) throw new LoadError(ERRNO[code], `${path}: signature: ${reason}`);
    if (this.enforced) {
      k.log.line(`Loading of ${kind} is rejected`, LOGLEVEL_NOTICE);
      throw new LoadError(EKEYREJECTED, `${path}: signatures are enforced: ${reason}`);
    }
    if (!k.get(Lockdown).forbids('unsigned module loading')) return;
    throw new LoadError(EPERM, `${path}: lockdown=${k.get(Lockdown).level}: ${reason}`);
  }

  /** From 0 to 1, and never back. */
  private disable(text: string, size: number): number {
    if (text.trim() !== '1') return -EINVAL;
    this.disabled = true;
    return size;
  }

  /** bool_enable_only. */
  private enforce(text: string): number {
    const on = /^(y|1|on)/i.test(text.trim());
    if (!on && this.enforced) return -EINVAL;
    this.enforced = on;
    return 0;
  }
}

function registryOf(types: Btf): OidRegistry {
  if (types.findType('enum OID') === undefined) return new OidRegistry();
  return new OidRegistry(new Map([...types.enumValues('OID')].map(([name, value]) => [name, Number(value)])));
}
