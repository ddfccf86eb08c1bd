import type { ModprobeConfig } from '../kmod/config/modprobe-config.js';
import { bootList } from '../linux/boot-parameters.js';
import {
  ALGORITHM_OPTIONS,
  type SignaturePolicy,
  signaturePolicy,
} from '../linux/security/signature-policy.js';
import type { LinuxTarget } from '../target/index.js';
import { moduleNameOf } from '../target/module-table.js';
import { Keyring, verifyModule } from '../trust/index.js';
import type { SignatureCheck } from './checked-module.js';
import { NearestNames } from './nearest.js';

/** How the kernel that modules are checked against is booted and set up. */
export interface KernelSettings {
  readonly cmdline?: string;
  /** DER certificates that it trusts besides its own. */
  readonly keys?: readonly Uint8Array[];
  /** modprobe.d of the system. */
  readonly config?: ModprobeConfig;
  /** Takes what modbox refuses or distrusts for safety's sake alone as the kernel does. */
  readonly lenient?: boolean;
}

/** A symbol that the kernel or one of its own modules exports. */
export interface Provided {
  readonly crc: number | undefined;
  readonly gplOnly: boolean;
  readonly namespace: string;
  /** The module that exports it; undefined for the kernel image. */
  readonly module: { readonly name: string; readonly license: string } | undefined;
}

/** One kernel that modules are checked against. */
export class CheckKernel {
  readonly policy: SignaturePolicy;
  /** module_blacklist= */
  readonly blacklist: readonly string[];
  readonly cmdline: string;
  readonly config: ModprobeConfig | undefined;
  readonly lenient: boolean;
  /** Kernels of the same certificates and algorithms have the same: a signature is checked once for all of them. */
  readonly keyringId: string;
  private readonly keyring: Keyring;
  private names: NearestNames | undefined;
  private readonly knownOwn = new Map<string, Provided | undefined>();
  private readonly knownNearest = new Map<string, readonly string[]>();
  private builtin: ReadonlySet<string> | undefined;

  constructor(
    readonly target: LinuxTarget,
    settings: KernelSettings = {},
  ) {
    const { cmdline = '', keys = [] } = settings;
    this.cmdline = cmdline;
    this.config = settings.config;
    this.lenient = settings.lenient ?? false;
    this.policy = signaturePolicy(target.config, cmdline);
    this.blacklist = bootList(cmdline, 'module_blacklist');
    const certificates = [...target.certificates, ...keys];
    this.keyring = Keyring.of(certificates);
    const algorithms = Object.values(ALGORITHM_OPTIONS).filter((option) => target.config.has(option));
    this.keyringId = JSON.stringify([algorithms, certificates.map((der) => String.fromCharCode(...der))]);
  }

  /** Checks signatures as this kernel does, with every digest that it has as a module. */
  readonly checkSignature: SignatureCheck = (bytes, file, verifier) =>
    verifyModule(bytes, this.keyring, file, {
      supports: (algorithm) => this.target.config.has(ALGORITHM_OPTIONS[algorithm]),
      verifier,
    });

  /** What a module that came with the kernel exports; `except` are modules that are not taken from it. */
  fromModules(symbol: string, except: ReadonlyMap<string, unknown>): Provided | undefined {
    const found = this.target.modules?.exports.get(symbol);
    return found && !except.has(found.module.name) ? found : undefined;
  }

  /** What the kernel image itself exports. */
  own(symbol: string): Provided | undefined {
    if (this.knownOwn.has(symbol)) return this.knownOwn.get(symbol);
    const found = this.target.exports.get(symbol);
    const own = found && { ...found, module: undefined };
    this.knownOwn.set(symbol, own);
    return own;
  }

  /** Whether a module of that name is part of the kernel image. */
  isBuiltin(name: string): boolean {
    this.builtin ??= new Set(this.target.builtinModules.map(moduleNameOf));
    return this.builtin.has(name);
  }

  /** Whether it keeps each kind of a module's memory by itself, as kernels do from 6.4 on. */
  get hasSeparateMemories(): boolean {
    return this.target.types.findField('struct module', 'core_layout') === undefined;
  }

  /** Whether it relies on the extended form of symbol versions, where a module has it. */
  get knowsExtendedVersions(): boolean {
    return this.target.symbols.lookup('modversion_ext_start') !== undefined;
  }

  /** Exported symbols with the most similar names. */
  nearest(symbol: string): readonly string[] {
    const { exports, modules } = this.target;
    this.names ??= new NearestNames([...exports.keys(), ...(modules?.exports.keys() ?? [])]);
    const found = this.knownNearest.get(symbol) ?? this.names.of(symbol, 3);
    this.knownNearest.set(symbol, found);
    return found;
  }
}
