import type { Target } from '../target/index.js';
import type { CheckKernel, Provided } from './check-kernel.js';
import { type CheckedModule, isReadable, readCheckedModule, type SignatureCheck } from './checked-module.js';
import type { Reason, SymbolElsewhere, TaintLetter, Verdict } from './reason.js';
import { checkBlacklist } from './rules/blacklist.js';
import { checkDependencies } from './rules/dependencies.js';
import { checkBuiltin, checkExports } from './rules/exports.js';
import { checkModuleStruct } from './rules/module-struct.js';
import { checkLicense, checkOrigin } from './rules/origin.js';
import type { Case, ProvidedTogether, Rule } from './rules/rule.js';
import { checkSignature } from './rules/signature.js';
import { checkModuleLayout, checkSymbols } from './rules/symbols.js';
import { checkVermagic } from './rules/vermagic.js';
import { SymbolChanges } from './types/symbol-changes.js';

/** In the order in which load_module() of kernel/module/main.c gets to them: the first that refuses gives the errno. */
const RULES: readonly Rule[] = [
  checkSignature,
  checkModuleStruct,
  checkBlacklist,
  checkModuleLayout,
  checkVermagic,
  checkOrigin,
  checkLicense,
  checkBuiltin,
  checkDependencies,
  checkExports,
  checkSymbols,
];

const TAINT_ORDER: readonly TaintLetter[] = ['P', 'F', 'C', 'O', 'E', 'K', 'N'];

export interface CheckerOptions {
  /** The kernel that a module of this version magic was built for: its types tell what changed since. */
  readonly homeOf?: (vermagic: string) => Target | undefined;
}

/**
 * Tells of modules whether they load into kernels, and every reason why not. Modules that are checked together may use each
 * other's symbols, before those of the modules that came with a kernel; of the same name they stand in for those.
 */
export class Checker {
  private readonly together = new Map<string, CheckedModule>();
  private readonly exported = new Map<string, ProvidedTogether>();
  /** Signatures are checked once for kernels with the same keyring. */
  private readonly keyrings: readonly string[];
  private readonly signatureChecks: readonly SignatureCheck[];
  private readonly homes = new Map<string, Target | undefined>();
  private readonly changesBetween = new Map<string, SymbolChanges>();
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
  add(packed: Uint8Array, file: string): CheckedModule {
    const module = readCheckedModule(packed, file, this.signatureChecks);
    if (!this.together.has(module.name)) this.together.set(module.name, module);
    const { content } = module;
    if (!isReadable(content)) return module;
    const provider = { name: module.name, license: content.modinfo.get('license') ?? '' };
    for (const exported of content.exports)
      if (!this.exported.has(exported.name))
        this.exported.set(exported.name, { ...exported, module: provider, together: module });
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
      const { text, log } = content;
      const reason: Reason = {
        kind: 'file',
        effect: 'refused',
        errno: 'ENOEXEC',
        text,
        ...(log !== undefined && { log }),
      };
      return verdictOf(name, file, kernel, [[reason]]);
    }
    const c: Case = {
      module,
      content,
      kernel,
      signature,
      provider: (symbol) => this.provider(symbol, module, kernel),
      verdictOf: (other) => this.verdictUnlessAsked(other, kernel),
      changes: (symbol) => this.changes(symbol, content.modinfo.get('vermagic'), kernel),
      elsewhere: (symbol) => this.elsewhere(symbol, content.modinfo.get('vermagic'), kernel),
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
    if (kernel.target.exports.has(symbol)) return kernel.provider(symbol, this.together);
    const together = this.exported.get(symbol);
    if (together && together.together !== module) return together;
    return kernel.provider(symbol, this.together);
  }

  private verdictUnlessAsked(module: CheckedModule, kernel: CheckKernel): Verdict | undefined {
    const made = this.verdicts.get(kernel);
    const isBeingMade = made?.has(module) && made.get(module) === undefined;
    return isBeingMade ? undefined : this.verdict(module, kernel);
  }

  private home(vermagic: string | undefined): Target | undefined {
    if (vermagic === undefined) return undefined;
    if (!this.homes.has(vermagic)) this.homes.set(vermagic, this.options.homeOf?.(vermagic));
    return this.homes.get(vermagic);
  }

  private changes(
    symbol: string,
    vermagic: string | undefined,
    { target }: CheckKernel,
  ): ReturnType<Case['changes']> {
    const home = this.home(vermagic);
    if (!home || home === target) return undefined;
    const key = `${home.name} ${target.name}`;
    let changes = this.changesBetween.get(key);
    if (!changes) {
      changes = new SymbolChanges(home.types, target.types);
      this.changesBetween.set(key, changes);
    }
    return changes.of(symbol);
  }

  private elsewhere(
    symbol: string,
    vermagic: string | undefined,
    { target }: CheckKernel,
  ): SymbolElsewhere[] {
    const home = this.home(vermagic);
    const others = new Set([...(home ? [home] : []), ...this.kernels.map((kernel) => kernel.target)]);
    others.delete(target);
    return [...others].flatMap((other): SymbolElsewhere[] => {
      if (other.exports.has(symbol)) return [{ target: other.name, module: undefined, option: undefined }];
      const module = other.modules?.exports.get(symbol)?.module.name;
      if (module === undefined) return [];
      const option = `CONFIG_${module.toUpperCase()}`;
      const lacking = other.config.has(option) && !target.config.has(option);
      return [{ target: other.name, module, option: lacking ? option : undefined }];
    });
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
