import type { Btf } from '../../formats/btf/index.js';
import type { LinuxTarget } from '../../target/index.js';
import type { CheckKernel } from '../check-kernel.js';
import type { Reason, SymbolElsewhere } from '../reason.js';
import { SymbolChanges } from '../types/symbol-changes.js';

export interface Mismatch {
  /** The CRC that the module was built against; undefined where it has none. */
  readonly wanted: number | undefined;
  readonly found: number;
  readonly provider: string | undefined;
}

/** The types of a module that came with a kernel, on top of the kernel's; undefined where its file is not at hand. */
type TypesOf = (target: LinuxTarget, module: string) => Btf | undefined;

/**
 * Reasons about symbols of one kernel, for modules that were built for another (`home`, where it is known). Thousands of
 * modules stumble over the same symbols: each reason is made once.
 */
export class SymbolReasons {
  private readonly made = new Map<string, Reason>();
  /** By the module that exports symbols, '' for the kernel image. */
  private readonly changes = new Map<string, SymbolChanges | undefined>();

  constructor(
    private readonly kernel: CheckKernel,
    private readonly home: LinuxTarget | undefined,
    /** Kernels in which missing symbols are looked for. */
    private readonly others: readonly LinuxTarget[],
    private readonly typesOf: TypesOf,
  ) {}

  gplOnly(symbol: string, provider: string | undefined): Reason {
    return this.once(`gpl ${symbol}`, () => ({
      kind: 'gpl-only',
      symbol,
      provider,
      effect: 'refused',
      errno: 'ENOENT',
      text: `'${symbol}' is exported for GPL-compatible modules only`,
    }));
  }

  namespace(symbol: string, namespace: string): Reason {
    return this.once(`namespace ${symbol}`, () => ({
      kind: 'namespace',
      symbol,
      namespace,
      effect: 'refused',
      errno: 'EINVAL',
      text: `'${symbol}' is in the namespace ${namespace}, which the module does not import: MODULE_IMPORT_NS(${namespace})`,
    }));
  }

  version(symbol: string, mismatch: Mismatch, errno: 'EINVAL' | 'ENOEXEC'): Reason {
    const { wanted, found, provider } = mismatch;
    return this.once(`version ${symbol} ${wanted} ${found} ${provider}`, () => {
      const where = provider === undefined ? 'this kernel' : `module ${provider}`;
      return {
        kind: 'version',
        symbol,
        ...mismatch,
        changes: wanted === undefined ? undefined : this.changesOf(provider)?.of(symbol),
        effect: 'refused',
        errno,
        text:
          wanted === undefined
            ? `it has no version of '${symbol}'`
            : `'${symbol}' has version ${crcText(found)} in ${where}, it was built against ${crcText(wanted)}`,
      };
    });
  }

  missing(symbol: string): Reason {
    return this.once(`missing ${symbol}`, () => this.makeMissing(symbol));
  }

  /** Changes of what a module exports, undefined for the kernel image. Undefined where types are not known. */
  private changesOf(provider: string | undefined): SymbolChanges | undefined {
    const key = provider ?? '';
    if (!this.changes.has(key)) this.changes.set(key, this.compareWithHome(provider));
    return this.changes.get(key);
  }

  private compareWithHome(provider: string | undefined): SymbolChanges | undefined {
    const { home, kernel } = this;
    if (home === undefined || home === kernel.target) return undefined;
    const there = provider === undefined ? home.types : this.typesOf(home, provider);
    const here = provider === undefined ? kernel.target.types : this.typesOf(kernel.target, provider);
    return there && here && new SymbolChanges(there, here);
  }

  private once(key: string, make: () => Reason): Reason {
    const known = this.made.get(key);
    if (known) return known;
    const reason = make();
    this.made.set(key, reason);
    return reason;
  }

  private makeMissing(symbol: string): Reason {
    const { target } = this.kernel;
    const internal = target.symbols.lookup(symbol) !== undefined;
    const elsewhere = this.others.flatMap((other) => placeIn(other, symbol, target) ?? []);
    const nearest = internal ? [] : this.kernel.nearest(symbol);
    const hints = [
      ...(internal ? ['the kernel has it, but does not export it'] : []),
      ...(target.modules ? [] : ['which modules came with this kernel is not known']),
      ...elsewhere.flatMap((other) => elsewhereText(other) ?? []),
      ...(nearest.length > 0 ? [`like it: ${nearest.join(', ')}`] : []),
    ];
    return {
      kind: 'missing-symbol',
      symbol,
      internal,
      elsewhere,
      nearest,
      effect: 'refused',
      errno: 'ENOENT',
      text: `nobody exports '${symbol}'${hints.map((hint) => `; ${hint}`).join('')}`,
    };
  }
}

function crcText(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}

/** Who exports a symbol in another kernel, and which option of its configuration brings that, by its name. */
function placeIn(other: LinuxTarget, symbol: string, target: LinuxTarget): SymbolElsewhere | undefined {
  if (other.exports.has(symbol)) return { target: other.name, module: undefined, option: undefined };
  const module = other.modules?.exports.get(symbol)?.module.name;
  if (module === undefined) return undefined;
  const option = `CONFIG_${module.toUpperCase()}`;
  const lacking = other.config.has(option) && !target.config.has(option);
  return { target: other.name, module, option: lacking ? option : undefined };
}

/** That the kernel which the module was built for has the symbol goes without saying; that a module has it does not. */
function elsewhereText({ target, module, option }: SymbolElsewhere): string | undefined {
  if (module === undefined) return undefined;
  const configured = option === undefined ? '' : ` (${option}, which this kernel is configured without)`;
  return `module ${module} of ${target} exports it${configured}`;
}
