import { PATH_MAX } from '../../files/limits.js';
import { byteText, messageText } from '../byte-text.js';
import { type BinaryOptions, SayingWriter } from './binary-files.js';
import { linesOf } from './lines.js';
import { moduleNameOfPath, normalizedAlias } from './names.js';

/** `modules.builtin.bin` of a modules.builtin: names without values. */
export function builtinIndex(builtin: Uint8Array, options: BinaryOptions): Uint8Array {
  const index = new SayingWriter(options);
  for (const line of linesOf(builtin, PATH_MAX)) {
    if (!/^[A-Za-z]/.test(line)) {
      options.say('error', `Invalid modules.builtin line: ${messageText(line)}\n`);
      continue;
    }
    index.insert(moduleNameOfPath(line), '', 0);
  }
  return index.bytes();
}

/** `modules.builtin.alias.bin` of a modules.builtin.modinfo: `MODULE.KEY=VALUE NUL` for every built-in module. */
export function builtinAliasIndex(modinfo: Uint8Array, options: BinaryOptions): Uint8Array {
  const index = new SayingWriter(options);
  const reader = new FieldReader(byteText(modinfo), options);
  while (!reader.ended) {
    const name = reader.until('.');
    if (name === '') continue;
    if (reader.until('=') !== 'alias') {
      reader.skip();
      continue;
    }
    const value = reader.until('\0');
    if (value === '') continue;
    const alias = normalizedAlias(value);
    if (alias === undefined) options.say('warning', `Unmatched bracket in ${messageText(value)}\n`);
    else index.insert(alias, name, 0);
  }
  return index.bytes();
}

/** Reads texts that end in a certain character, as kmod does also where they do not. */
class FieldReader {
  private at = 0;
  ended = false;

  constructor(
    private readonly text: string,
    private readonly options: BinaryOptions,
  ) {}

  /** What is before the next such character, which is read too; '' where a NUL or the end comes first. */
  until(end: string): string {
    const start = this.at;
    let character = this.next();
    while (character !== undefined && character !== end && character !== '\0' && this.at - start <= PATH_MAX)
      character = this.next();
    const field = this.text.slice(start, character === undefined ? this.at : this.at - 1);
    if (field.length < PATH_MAX) return character === end ? field : '';
    this.options.say('warning', `Could not flush stream: 28. Partial content: ${messageText(field)}\n`);
    return character === end ? field.slice(0, -1) : '';
  }

  /** Reads to after the next NUL. */
  skip(): void {
    while (this.at < this.text.length && this.text[this.at] !== '\0') this.at++;
    this.next();
  }

  private next(): string | undefined {
    if (this.at < this.text.length) return this.text[this.at++];
    this.ended = true;
    return undefined;
  }
}
