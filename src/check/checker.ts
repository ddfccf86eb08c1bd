import type { ModuleFile } from '../formats/module-file.js';
import { versionsOf } from '../linux/module/version-forms.js';
import type { LinuxTarget } from '../target/index.js';
import { portableVerifier, type Verifier } from '../trust/index.js';
import type { CheckKernel, Provided } from './check-kernel.js';
import { type CheckedModule, isReadable, readCheckedModule, type SignatureCheck } from './checked-module.js';
import type { Reason, TaintLetter, Verdict } from './reason.js';
import { checkBlacklist } from './rules/blacklist.js';
import { checkBtf } from './rules/btf.js';
import { checkDependencies } from './rules/dependencies.js';
import { checkBuiltin, checkExports, checkExportVersions } from './rules/exports.js';
import {
  checkConstructors,
  checkMemory,
  checkPercpu,
  checkRelocations,
  checkWritableCode,
} from './rules/linking.js';
import { checkModuleStruct } from './rules/module-struct.js';
import { checkLicense, checkOrigin } from './rules/origin.js';
import { checkParameters } from './rules/parameters.js';
import type { Case, ProvidedTogether, Rule } from './rules/rule.js';
import { checkSignature, checkUnsigned } from './rules/signature.js';
import { SymbolReasons } from './rules/symbol-reasons.js';
import { checkModuleLayout, checkSymbols } from './rules/symbols.js';
import { checkVermagic } from './rules/vermagic.js';
import { type ModuleFileReader, moduleTypes } from './types/module-types.js';

/** In the order in which load_module() of kernel/module/main.c gets to them: the first that refuses gives the errno. */
const RULES: readonly Rule[] = [
  checkSignature,
  checkModuleStruct,
  checkBlacklist,
  checkModuleLayout,
  checkVermagic,
  checkOrigin,
  checkLicense,
  checkWritableCode,
  checkMemory,
  checkUnsigned,
  checkExportVersions,
  checkPercpu,
  checkBuiltin,
  checkDependencies,
  checkConstructors,
  checkSymbols,
  checkRelocations,
  checkExports,
  checkBtf,
  checkParameters,
];

const TAINT_ORDER: readonly TaintLetter[] = ['P', 'F', 'C', 'O', 'E', 'K', 'N'];

export interface CheckerOptions {
  /** The kernel that a module of this version magic was built for: its types tell what changed since. */
  readonly homeOf?: (vermagic: string) => LinuxTarget | undefined;
  /** Files of the modules that came with a kernel: their types tell what changed in what they export. */
  readonly moduleFile?: ModuleFileReader;
  /** What computes digests and signatures; the portable one by default. */
  readonly verifier?: Verifier;
  /** `name=value ...` that the modules are to be loaded with, besides what modprobe.d says. */
  readonly parameters?: string;
}

/**
 * Tells of modules whether they load into kernels, and every reason why not. Modules that are checked together may use each
 * other's symbols, before those of the modules that came with a kernel; of the same name they stand in for those.
 */
export class Checker {
  private readonly together = new Map<string, CheckedModule>();
  private readonly exported = new Map<string, ProvidedTogether>();
  private readonly exporters = new Map<string, CheckedModule[]>();
  /** Signatures are checked once for kernels with the same keyring. */
  private readonly keyrings: readonly string[];
  private readonly signatureChecks: readonly SignatureCheck[];
  private readonly homes = new Map<string, LinuxTarget | undefined>();
  private readonly reasons = new Map<string, SymbolReasons>();
  private readonly verdicts = new Map<CheckKernel, Map<CheckedModule, Verdict | undefined>>();

  constructor(
    readonly kernels: readonly CheckKernel[],
    private readonly options: CheckerOptions = {},
  ) {
    const byKeyring = new Map(kernels.map((kernel) => [kernel.keyringId, kernel.checkSignature]));
    this.keyrings = [...byKeyring.keys()];
    this.signatureChecks = [...byKeyring.values()];
  }

  /** Reads a module's file, packed or not, and counts it among those checked together. */
  add(file: ModuleFile): CheckedModule {
    const { verifier = portableVerifier } = this.options;
    const module = readCheckedModule(file, this.signatureChecks, verifier);
    if (!this.together.has(module.name)) this.together.set(module.name, module);
    const { content } = module;
    if (!isReadable(content)) return module;
    const provider = { name: module.name, license: content.modinfo.get('license') ?? '' };
    for (const exported of content.exports) {
      if (!this.exported.has(exported.name))
        this.exported.set(exported.name, { ...exported, module: provider, together: module });
      const others = this.exporters.get(exported.name) ?? [];
      this.exporters.set(exported.name, [...others, module]);
    }
    return module;
  }

  /** Whether a module loads into a kernel. To be asked when all modules are added. */
  verdict(module: CheckedModule, kernel: CheckKernel): Verdict {
    const made = this.verdicts.get(kernel) ?? new Map<CheckedModule, Verdict | undefined>();
    this.verdicts.set(kernel, made);
    const known = made.get(module);
    if (known) return known;
    made.set(module, undefined);
    const verdict = this.judge(module, kernel);
    made.set(module, verdict);
    return verdict;
  }

  private judge(module: CheckedModule, kernel: CheckKernel): Verdict {
    const { content, file, name } = module;
    const signature = module.signatures[this.keyrings.indexOf(kernel.keyringId)];
    if (!isReadable(content)) {
      const { text, log, errno } = content;
      const reason: Reason = { kind: 'file', line: log, effect: 'refused', errno, text };
      return verdictOf(name, file, kernel, [[...checkSignature({ kernel, signature })], [reason]]);
    }
    const c: Case = {
      module,
      content,
      kernel,
      signature,
      needs: content.imports.map((symbol) => ({
        symbol,
        provided: this.provider(symbol.name, module, kernel),
      })),
      versions: versionsOf(
        content.versions,
        kernel.knowsExtendedVersions ? content.extendedVersions : undefined,
      ),
      reasons: this.symbolReasons(kernel, content.modinfo.get('vermagic')),
      parameters: this.options.parameters ?? '',
      exporters: (symbol) => this.exporters.get(symbol) ?? [],
      verdictOf: (other) => this.verdictUnlessAsked(other, kernel),
    };
    return verdictOf(
      name,
      file,
      kernel,
      RULES.map((rule) => [...rule(c)]),
    );
  }

  private provider(
    symbol: string,
    module: CheckedModule,
    kernel: CheckKernel,
  ): Provided | ProvidedTogether | undefined {
    const own = kernel.own(symbol);
    if (own) return own;
    const together = this.exported.get(symbol);
    if (together && together.together !== module) return together;
    return kernel.fromModules(symbol, this.together);
  }

  private verdictUnlessAsked(module: CheckedModule, kernel: CheckKernel): Verdict | undefined {
    const made = this.verdicts.get(kernel);
    const isBeingMade = made?.has(module) && made.get(module) === undefined;
    return isBeingMade ? undefined : this.verdict(module, kernel);
  }

  private home(vermagic: string | undefined): LinuxTarget | undefined {
    if (vermagic === undefined) return undefined;
    if (!this.homes.has(vermagic)) this.homes.set(vermagic, this.options.homeOf?.(vermagic));
    return this.homes.get(vermagic);
  }

  private symbolReasons(kernel: CheckKernel, vermagic: string | undefined): SymbolReasons {
    const home = this.home(vermagic);
    const key = `${home?.name} ${kernel.target.name}`;
    const known = this.reasons.get(key);
    if (known) return known;
    const others = new Set([...(home ? [home] : []), ...this.kernels.map(({ target }) => target)]);
    others.delete(kernel.target);
    const made = new SymbolReasons(kernel, home, [...others], (target, module) =>
      moduleTypes(target, module, this.options.moduleFile ?? (() => undefined)),
    );
    this.reasons.set(key, made);
    return made;
  }
}

/** `stages` are the reasons that each rule gave. */
function verdictOf(
  module: string,
  file: string,
  kernel: CheckKernel,
  stages: readonly (readonly Reason[])[],
): Verdict {
  const reasons = stages.flat();
  const taints = new Set(reasons.flatMap((reason) => (reason.effect === 'taints' ? [reason.taint] : [])));
  const refusing = stages.map((stage) =>
    stage.flatMap((reason) => (reason.effect === 'refused' ? [reason.errno] : [])),
  );
  // Of the symbols that cannot be bound the last decides.
  const errno = refusing.find((errnos) => errnos.length > 0)?.at(-1);
  return {
    module,
    file,
    target: kernel.target.name,
    loads: errno === undefined,
    errno,
    taints: TAINT_ORDER.filter((letter) => taints.has(letter)).join(''),
    reasons,
  };
}
