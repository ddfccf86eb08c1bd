import { messageText } from '../byte-text.js';
import { TrieCharacterError, TrieWriter } from '../index/trie-writer.js';
import type { GraphModule } from './graph.js';
import { DepmodFailure, type Say } from './messages.js';
import { normalizedAlias } from './names.js';
import type { SymbolTable } from './symbols.js';
import { depLine } from './text-files.js';

/** How to make a binary index. */
export interface BinaryOptions {
  /** -w: say which values a key has twice. */
  readonly warnDuplicates: boolean;
  readonly say: Say;
}

export function depIndex(modules: readonly GraphModule[], options: BinaryOptions): Uint8Array {
  const index = new SayingWriter(options);
  for (const module of modules) {
    const line = depLine(module);
    index.insert(module.name, line, module.index, () => `duplicate module deps:\n${line}\n`);
  }
  return index.bytes();
}

export function aliasIndex(modules: readonly GraphModule[], options: BinaryOptions): Uint8Array {
  const index = new SayingWriter(options);
  for (const { name, facts, index: priority } of modules) {
    for (const text of facts.aliases) {
      const alias = normalizedAlias(text);
      if (alias === undefined) options.say('warning', `Unmatched bracket in ${messageText(text)}\n`);
      else index.insert(alias, name, priority, () => `duplicate module alias:\n${alias} ${name}\n`);
    }
  }
  return index.bytes();
}

export function symbolIndex(symbols: SymbolTable, options: BinaryOptions): Uint8Array {
  const index = new SayingWriter(options);
  for (const { name, owner } of symbols.exported()) {
    const key = `symbol:${name}`;
    index.insert(key, owner.name, owner.index, () => `duplicate module syms:\n${key} ${owner.name}\n`);
  }
  return index.bytes();
}

/** A binary index; what it cannot hold ends depmod, as in kmod. */
export class SayingWriter {
  private readonly trie = new TrieWriter();

  constructor(private readonly options: BinaryOptions) {}

  insert(key: string, value: string, priority: number, duplicate?: () => string): void {
    try {
      const known = this.trie.insert(key, value, priority);
      if (known && duplicate && this.options.warnDuplicates)
        this.options.say('warning', messageText(duplicate()));
    } catch (error) {
      if (!(error instanceof TrieCharacterError)) throw error;
      this.fail(error);
    }
  }

  bytes(): Uint8Array {
    return this.trie.bytes();
  }

  private fail({ text, code }: TrieCharacterError): never {
    const character = String.fromCharCode(code);
    this.options.say(
      'fatal',
      `Module index: bad character '${messageText(character)}'=0x${code.toString(16)} - only 7-bit ASCII is supported:\n${messageText(text)}\n`,
    );
    throw new DepmodFailure();
  }
}
