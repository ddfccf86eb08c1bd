import type { FileSource } from '../../files/file-source.js';
import { type ElfFile, ET_REL, SHT_RELA } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import { type KldFile, type KldMetadata, parseKld } from '../../formats/kld/index.js';
import { bestVersion } from '../../kld/loader/preloaded.js';
import type { FreebsdTarget } from '../../target/index.js';
import type { KldReason, KldVerdict } from './kld-verdict.js';
import { ModuleFolders } from './module-folders.js';

const SHN_UNDEF = 0;
const SHF_ALLOC = 2;
const STB_LOCAL = 0;
const STB_WEAK = 2;
/** The digits of __FreeBSD_version that are not the branch's: 14 02 000. */
const BRANCH = 100_000;

type Depend = Extract<KldMetadata, { kind: 'depend' }>;

/** A kld that can be read. */
interface ReadKld {
  readonly path: string;
  readonly kld: KldFile;
  readonly metadata: readonly KldMetadata[];
  /** Symbols that files which depend on it may use. */
  readonly defined: ReadonlySet<string>;
  readonly undefined: readonly string[];
}

/**
 * Tells of klds whether a FreeBSD kernel loads them: whether their version ranges, dependencies and symbols fit. `folders` is where it looks
 * for modules: the first that has one counts, by its linker.hints or by the file's name.
 */
export class KldChecker {
  private readonly folders: ModuleFolders;
  /** Symbols of what the folders' own kernel has built in; looked for when the first is asked for. */
  private parts: ReadonlySet<string> | undefined;
  private readonly klds = new Map<string, ReadKld | KldReason>();
  private readonly verdicts = new Map<string, KldVerdict>();
  /** Files whose verdict is being made: who depends on itself in a circle is not asked again. */
  private readonly asked = new Set<string>();

  constructor(
    readonly target: FreebsdTarget,
    private readonly files: FileSource,
    folders: readonly string[],
  ) {
    this.folders = new ModuleFolders(files, folders);
  }

  verdict(path: string): KldVerdict {
    const known = this.verdicts.get(path);
    if (known) return known;
    this.asked.add(path);
    const reasons = this.reasonsOf(path);
    const loads = reasons.every(({ effect }) => effect !== 'refused');
    const verdict: KldVerdict = {
      module: nameOf(path),
      file: path,
      target: this.target.name,
      loads,
      errno: loads ? undefined : 'ENOEXEC',
      reasons,
    };
    this.verdicts.set(path, verdict);
    return verdict;
  }

  private reasonsOf(path: string): readonly KldReason[] {
    const opened = this.open(path);
    if ('effect' in opened) return [opened];
    const needs = opened.metadata.filter((entry) => entry.kind === 'depend');
    const own = new Set(versionsIn(opened).map(({ name }) => name));
    const reasons: KldReason[] = [...this.present(opened)];
    const providers: ReadKld[] = [];
    for (const need of needs) {
      if (own.has(need.name)) continue;
      const found = this.provider(need, opened);
      if ('effect' in found) reasons.push(found);
      else if ('kld' in found) providers.push(found);
    }
    if (!needs.some(({ name }) => name === 'kernel'))
      reasons.push({
        kind: 'no-range',
        effect: 'note',
        text: 'it does not say which kernels it was built for (no dependency on kernel): any loads it, whether it fits or not',
      });
    return [...reasons, ...this.missing(opened, providers)];
  }

  private *present(opened: ReadKld): Generator<KldReason> {
    for (const { name, version } of versionsIn(opened)) {
      if (!this.target.builtinModules.some((one) => one.name === name && one.version === version)) continue;
      yield {
        kind: 'interface',
        effect: 'refused',
        interface: name,
        version,
        line: `interface ${name}.${version} already present in the KLD 'kernel'!`,
        text: `${name} (version ${version}) is part of this kernel`,
      };
    }
  }

  /** Who has what is needed: the kernel, a file, or nobody. */
  private provider(need: Depend, user: ReadKld): ReadKld | KldReason | { readonly builtIn: true } {
    const builtIn = this.target.builtinModules.filter(({ name }) => name === need.name);
    if (bestVersion(builtIn, need)) return { builtIn: true };
    const line = `KLD ${nameOf(user.path)}: depends on ${need.name} - not available or version mismatch`;
    const path = this.folders.fileOf(need);
    const file = path === undefined ? undefined : this.open(path);
    const versions = file && 'kld' in file ? versionsIn(file).filter(({ name }) => name === need.name) : [];
    if (path !== undefined && file && 'kld' in file && bestVersion(versions, need))
      return this.fileLoads(path) ? file : fileReason(need.name, path, line);
    // The real kernel of these folders has it, though it has no file.
    const inTheirs = this.folders.builtIn(need.name);
    if (bestVersion(inTheirs, need)) return { builtIn: true };
    const { name: module, minimum, preferred, maximum } = need;
    const found = [...builtIn, ...inTheirs, ...versions].map(({ version }) => version);
    const text = rangeText(need, found);
    return { kind: 'dependency', effect: 'refused', module, minimum, preferred, maximum, found, line, text };
  }

  private fileLoads(path: string): boolean {
    return (this.asked.has(path) && !this.verdicts.has(path)) || this.verdict(path).loads;
  }

  private *missing(opened: ReadKld, providers: readonly ReadKld[]): Generator<KldReason> {
    for (const symbol of opened.undefined) {
      if (this.target.exports.has(symbol)) continue;
      if (providers.some(({ defined }) => defined.has(symbol)) || this.partsHave(symbol)) continue;
      yield {
        kind: 'symbol',
        effect: 'refused',
        symbol,
        line: `link_elf_obj: symbol ${symbol} undefined`,
        text: `${symbol} is in neither this kernel nor a module that it depends on`,
      };
    }
  }

  /** What the kernel of the folders has built in, modules may use without saying so. */
  private partsHave(symbol: string): boolean {
    if (!this.parts) {
      const files = this.folders.partsOfKernel().map((path) => this.open(path));
      this.parts = new Set(files.flatMap((file) => ('kld' in file ? [...file.defined] : [])));
    }
    return this.parts.has(symbol);
  }

  private open(path: string): ReadKld | KldReason {
    const known = this.klds.get(path);
    if (known) return known;
    const made = this.read(path);
    this.klds.set(path, made);
    return made;
  }

  private read(path: string): ReadKld | KldReason {
    const bytes = this.files.read(path);
    const wrong = (text: string, line?: string): KldReason => ({
      kind: 'file',
      effect: 'refused',
      line,
      text,
    });
    if (!bytes) return wrong('it cannot be read');
    try {
      const kld = parseKld(bytes, path);
      if (kld.elf.header.type !== ET_REL) return wrong('no object file (ET_REL), as klds of amd64 are');
      const { elf } = kld;
      const defined = elf
        .symbols()
        .filter(({ shndx, bind, name }) => shndx !== SHN_UNDEF && bind !== STB_LOCAL && name !== '');
      return {
        path,
        kld,
        metadata: kld.metadata(),
        defined: new Set(defined.map(({ name }) => name)),
        undefined: undefinedIn(elf),
      };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const machine = error.field === 'e_machine' ? `kldload: ${path}: Unsupported machine` : undefined;
      return wrong(error.message, machine);
    }
  }
}

function versionsIn({ metadata }: ReadKld) {
  return metadata.filter((entry) => entry.kind === 'version');
}

/** Names that relocations of what is loaded refer to and that the file leaves open, in their order. Linker sets of its own are not. */
function undefinedIn(elf: ElfFile): readonly string[] {
  const symbols = elf.symbols();
  const names = new Set<string>();
  for (const section of elf.sections) {
    const target = elf.sections[section.info];
    if (section.type !== SHT_RELA || !target || (target.flags & SHF_ALLOC) === 0) continue;
    const relocations = elf.relocations(section);
    for (let i = 0; i < relocations.length; i++) {
      const { shndx, name, bind } = symbols[relocations.symbol(i)];
      if (shndx === SHN_UNDEF && name !== '' && bind !== STB_WEAK && !isOwnSet(elf, name)) names.add(name);
    }
  }
  return [...names];
}

function isOwnSet(elf: ElfFile, symbol: string): boolean {
  const match = /^__(?:start|stop)_(set_.*)$/.exec(symbol);
  return match !== null && elf.sections.some(({ name }) => name === match[1]);
}

function fileReason(module: string, file: string, line: string): KldReason {
  const text = `${module} is in ${file}, which does not load itself`;
  return { kind: 'dependency-file', effect: 'refused', module, file, line, text };
}

function rangeText({ name, minimum, maximum }: Depend, found: readonly number[]): string {
  if (name === 'kernel' && found.length > 0) {
    const branch = Math.floor(minimum / BRANCH);
    return `built for FreeBSD ${branch} (kernels ${minimum} to ${maximum}); this one is ${found.join(', ')}`;
  }
  const range = minimum === maximum ? `version ${minimum}` : `a version of ${minimum} to ${maximum}`;
  if (found.length === 0)
    return `needs ${name} (${range}), which is neither part of this kernel nor among the files`;
  return `needs ${name}, ${range}; there is ${found.join(', ')}`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
