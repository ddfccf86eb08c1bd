import { bytesOf } from '../byte-text.js';
import { TrieSizeError } from '../index/trie-writer.js';
import { aliasIndex, depIndex, symbolIndex } from './binary-files.js';
import { builtinAliasIndex, builtinIndex } from './builtin-files.js';
import type { ModuleFacts } from './facts.js';
import { GraphModule, link, rank } from './graph.js';
import type { KernelSymbols } from './kernel-symbols.js';
import { DepmodFailure, type Message, type Say } from './messages.js';
import { inIndexOrder } from './order.js';
import type { ModuleOnDisk } from './search.js';
import { SymbolTable } from './symbols.js';
import { aliasText, depText, devnameText, softdepText, symbolsText, weakdepText } from './text-files.js';
import type { TreeFile } from './tree-file.js';

/** Everything that an index depends on, but for the modules' facts. */
export interface IndexInputs {
  /** lib/modules/RELEASE as messages name it. */
  readonly directory: string;
  readonly modules: readonly ModuleOnDisk[];
  readonly order: TreeFile;
  readonly builtin: TreeFile;
  readonly builtinModinfo: TreeFile;
  readonly kernelSymbols?: KernelSymbols;
  /** -P: a character, or ''. */
  readonly symbolPrefix: string;
  /** -e. */
  readonly reportUnknown: boolean;
  /** -w. */
  readonly warnDuplicates: boolean;
  /** -n: only the text files. */
  readonly textOnly: boolean;
  /** -v: say what needs what. */
  readonly showNeeds: boolean;
}

/** What depmod makes of a tree. */
export interface MadeIndex {
  /** Files by name, in the order in which depmod writes them; undefined where it fails and writes nothing. */
  readonly files: ReadonlyMap<string, Uint8Array> | undefined;
  /** One could not be made: it and those after it are not among `files`. */
  readonly incomplete?: boolean;
  readonly messages: readonly Message[];
}

/** kmod counts modules with 16 bits. */
const MAX_MODULES = 0xffff;

/** Reads the facts of modules by their place; asked once. */
type ReadFacts = (modules: readonly ModuleOnDisk[]) => readonly ModuleFacts[];

/** Makes the index of a tree from what its modules say. Nothing of the outside is read but through `readFacts`. */
export function makeIndex(inputs: IndexInputs, readFacts: ReadFacts): MadeIndex {
  const messages: Message[] = [];
  const say: Say = (level, text) => {
    if (level !== 'shown' || inputs.showNeeds) messages.push({ level, text });
  };
  const maker = new IndexMaker(inputs, say);
  try {
    const files = maker.make(readFacts);
    return { files, messages, ...(maker.incomplete && { incomplete: true }) };
  } catch (error) {
    if (!(error instanceof DepmodFailure)) throw error;
    return { files: undefined, messages };
  }
}

/** A binary index that could not be made. */
class IndexFailure extends Error {}

class IndexMaker {
  incomplete = false;
  private readonly symbols: SymbolTable;

  constructor(
    private readonly inputs: IndexInputs,
    private readonly say: Say,
  ) {
    this.symbols = new SymbolTable(inputs.symbolPrefix);
    if (inputs.kernelSymbols) this.symbols.addKernel(inputs.kernelSymbols);
  }

  make(readFacts: ReadFacts): ReadonlyMap<string, Uint8Array> {
    const { inputs, say } = this;
    if (inputs.modules.length >= MAX_MODULES)
      return this.fail('could not build module array: Numerical result out of range\n');
    const order = this.contentOf(inputs.order);
    const found = inIndexOrder(inputs.modules, order, inputs.directory, say);
    const facts = readFacts(found);
    const modules = found.map((module, i) => new GraphModule(module, facts[i], i));
    this.addExports(modules);
    link(modules, this.symbols, { ...inputs, checkVersions: inputs.kernelSymbols?.kind === 'symvers' }, say);
    rank(modules, say);
    return inputs.textOnly ? this.textFiles(modules) : this.allFiles(modules);
  }

  private fail(text: string): never {
    this.say('fatal', text);
    throw new DepmodFailure();
  }

  private contentOf(file: TreeFile): Uint8Array | undefined {
    if (file.kind === 'content') return file.content;
    // What is read line by line just ends at once.
    if (file.kind === 'directory') return new Uint8Array();
    this.say('warning', file.warning);
    return undefined;
  }

  private addExports(modules: readonly GraphModule[]): void {
    const { symbols, say } = this;
    for (const module of modules) {
      const { exports, exportCrcs, problem, complaint } = module.facts;
      const complain = (): void => {
        if (complaint !== undefined) say('error', `${complaint}\n`);
      };
      complain();
      if (problem !== undefined)
        say('error', `failed to load symbols from ${module.found.file}: ${problem}\n`);
      // libkmod tries again for what the module says of itself, and for what it needs.
      complain();
      complain();
      for (let i = 0; i < exports.length; i++) symbols.add(exports[i], exportCrcs[i], module);
    }
  }

  private textFiles(modules: readonly GraphModule[]): ReadonlyMap<string, Uint8Array> {
    return new Map(
      [
        ['modules.dep', depText(modules)] as const,
        ['modules.alias', aliasText(modules)] as const,
        ['modules.softdep', softdepText(modules)] as const,
        ['modules.weakdep', weakdepText(modules)] as const,
        ['modules.symbols', symbolsText(this.symbols)] as const,
        ['modules.devname', devnameText(modules, this.say)] as const,
      ].map(([name, text]) => [name, bytesOf(text)]),
    );
  }

  /** In depmod's order, also of what is said meanwhile. */
  private allFiles(modules: readonly GraphModule[]): ReadonlyMap<string, Uint8Array> {
    const { inputs, say, symbols } = this;
    const options = { warnDuplicates: inputs.warnDuplicates, say };
    const builtin = (): Uint8Array => {
      const content = this.contentOf(inputs.builtin);
      return content ? builtinIndex(content, options) : new Uint8Array();
    };
    const builtinAlias = (): Uint8Array => {
      if (inputs.builtinModinfo.kind === 'directory') throw new IndexFailure('Invalid argument');
      const content = this.contentOf(inputs.builtinModinfo);
      return content ? builtinAliasIndex(content, options) : new Uint8Array();
    };
    return this.untilFailure([
      ['modules.dep', () => bytesOf(depText(modules))],
      ['modules.dep.bin', () => depIndex(modules, options)],
      ['modules.alias', () => bytesOf(aliasText(modules))],
      ['modules.alias.bin', () => aliasIndex(modules, options)],
      ['modules.softdep', () => bytesOf(softdepText(modules))],
      ['modules.weakdep', () => bytesOf(weakdepText(modules))],
      ['modules.symbols', () => bytesOf(symbolsText(symbols))],
      ['modules.symbols.bin', () => symbolIndex(symbols, options)],
      ['modules.builtin.bin', builtin],
      ['modules.builtin.alias.bin', builtinAlias],
      ['modules.devname', () => bytesOf(devnameText(modules, say))],
    ]);
  }

  private untilFailure(
    makers: readonly (readonly [name: string, make: () => Uint8Array])[],
  ): ReadonlyMap<string, Uint8Array> {
    const files = new Map<string, Uint8Array>();
    for (const [name, make] of makers) {
      try {
        files.set(name, make());
      } catch (error) {
        if (!(error instanceof TrieSizeError) && !(error instanceof IndexFailure)) throw error;
        const why = error instanceof IndexFailure ? error.message : 'File too large';
        this.say('error', `Could not write index '${name}': ${why}\n`);
        this.incomplete = true;
        break;
      }
    }
    return files;
  }
}
