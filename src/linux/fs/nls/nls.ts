import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EBUSY, EILSEQ, EINVAL, ENAMETOOLONG, EOVERFLOW } from '../../errno.js';
import { type Holding, heldStructs } from '../../holding.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { decodeUtf8, encodeUtf8, fromSurrogates, isCutUtf8, isSurrogate, utf16Units } from './utf.js';

/** Character sets for file names (fs/nls/nls_base.c, include/linux/nls.h). */
export class NativeLanguages implements Subsystem {
  static readonly builtIn = 'CONFIG_NLS';

  private readonly tables: Ptr[] = [];
  private defaultTable: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __register_nls: (table: Ptr, owner: Ptr) => this.register(table, owner),
    unregister_nls: (table: Ptr) => this.unregister(table),
    load_nls: (charset: Ptr) => this.load(this.k.space.cstring(charset)),
    load_nls_default: () => this.loadDefault(),
    unload_nls: (table: Ptr) => {
      if (table !== 0) this.k.get(Modules).putStruct(this.type.get(table, 'owner'));
    },
    utf8_to_utf32: (from: Ptr, length: number, to: Ptr) => {
      // The first byte is looked at however many there are.
      const bytes = this.k.space.readable(from, Math.min(Math.max(length, 1), 6));
      const found = decodeUtf8(bytes);
      if (!found) return isCutUtf8(bytes, length) ? -EOVERFLOW : -EILSEQ;
      this.k.space.store32(to, found.value);
      return found.length;
    },
    utf32_to_utf8: (value: number, to: Ptr, room: number) => {
      if (to === 0) return 0;
      const bytes = encodeUtf8(value);
      if (!bytes) return -EILSEQ;
      if (bytes.length > room) return -EOVERFLOW;
      this.k.space.writable(to, bytes.length).set(bytes);
      return bytes.length;
    },
    utf8s_to_utf16s: (from: Ptr, length: number, endian: number, to: Ptr, room: number) =>
      this.toUtf16(from, length, endian === this.k.enumValue('UTF16_BIG_ENDIAN'), to, room),
    utf16s_to_utf8s: (from: Ptr, length: number, endian: number, to: Ptr, room: number) =>
      this.toUtf8(from, length, endian === this.k.enumValue('UTF16_BIG_ENDIAN'), to, room),
  };

  holds(): Iterable<Holding> {
    return heldStructs(this.k, { kind: 'character set', struct: 'nls_table', name: 'charset' }, this.tables);
  }

  boot(): void {
    this.defaultTable = this.makeDefault();
    this.tables.push(this.defaultTable);
  }

  private get type() {
    return this.k.struct('nls_table');
  }

  private register(table: Ptr, owner: Ptr): number {
    if (this.type.get(table, 'next') !== 0 || this.tables.includes(table)) return -EBUSY;
    this.type.set(table, 'owner', owner);
    this.type.set(table, 'next', this.tables[0]);
    this.k.origins.note(table);
    this.tables.unshift(table);
    return 0;
  }

  private unregister(table: Ptr): number {
    const index = this.tables.indexOf(table);
    if (index < 0) return -EINVAL;
    const next = this.type.get(table, 'next');
    if (index > 0) this.type.set(this.tables[index - 1], 'next', next);
    this.tables.splice(index, 1);
    return 0;
  }

  private find(charset: string): Ptr {
    const { type } = this;
    const table = this.tables.find(
      (known) => type.string(known, 'charset') === charset || type.string(known, 'alias') === charset,
    );
    if (table === undefined) return 0;
    return this.k.get(Modules).tryGet(type.get(table, 'owner')) ? table : 0;
  }

  private *load(charset: string): Sleepable<Ptr> {
    const known = this.find(charset);
    if (known !== 0) return known;
    const request = this.k.get(Modules).requestModule;
    if (request) yield* request(`nls_${charset}`);
    return this.find(charset);
  }

  private *loadDefault(): Sleepable<Ptr> {
    const table = yield* this.load(this.k.target.config.get('CONFIG_NLS_DEFAULT') ?? 'utf8');
    return table === 0 ? this.defaultTable : table;
  }

  /** The built-in table `default`: the first 256 characters of Unicode. */
  private makeDefault(): Ptr {
    const { k, type } = this;
    const table = k.permanent(type.size);
    const lower = k.permanent(256);
    const upper = k.permanent(256);
    for (let code = 0; code < 256; code++) {
      k.space.store8(
        lower + code,
        caseOf(code, (text) => text.toLowerCase()),
      );
      k.space.store8(
        upper + code,
        caseOf(code, (text) => text.toUpperCase()),
      );
    }
    type.set(table, 'charset', k.constantString('default'));
    type.bind(table, 'uni2char', 'nls_default_uni2char', (value: number, to: Ptr, room: number) => {
      if (room <= 0) return -ENAMETOOLONG;
      if (value > 0xff) return -EINVAL;
      k.space.store8(to, value);
      return 1;
    });
    type.bind(table, 'char2uni', 'nls_default_char2uni', (from: Ptr, _length: number, to: Ptr) => {
      const value = k.space.load8(from);
      k.space.store16(to, value);
      return value === 0 ? -EINVAL : 1;
    });
    type.set(table, 'charset2lower', lower);
    type.set(table, 'charset2upper', upper);
    return table;
  }

  private toUtf16(from: Ptr, length: number, bigEndian: boolean, to: Ptr, room: number): number {
    const { view } = this.k.space;
    const source = this.k.space.readable(from, length);
    let written = 0;
    for (let at = 0; at < length && written < room && source[at] !== 0; ) {
      const found = decodeUtf8(source.subarray(at));
      if (!found) return -EINVAL;
      const units = utf16Units(found.value);
      if (written + units.length > room) break;
      for (const unit of units) {
        this.k.space.writable(to + written * 2, 2);
        view.setUint16(to + written++ * 2, unit, !bigEndian);
      }
      at += found.length;
    }
    return written;
  }

  private toUtf8(from: Ptr, length: number, bigEndian: boolean, to: Ptr, room: number): number {
    const { space } = this.k;
    space.readable(from, length * 2);
    const unit = (index: number): number => space.view.getUint16(from + index * 2, !bigEndian);
    let written = 0;
    for (let at = 0; at < length && room > written; ) {
      let value = unit(at++);
      if (value === 0) break;
      if (isSurrogate(value)) {
        const pair = at < length ? fromSurrogates(value, unit(at)) : undefined;
        if (pair === undefined) continue;
        value = pair;
        at++;
      }
      const bytes = encodeUtf8(value);
      if (!bytes) continue;
      if (written + bytes.length > room) break;
      space.writable(to + written, bytes.length).set(bytes);
      written += bytes.length;
    }
    return written;
  }
}

/** The code of a character's other case, itself where that has no place in the table. */
function caseOf(code: number, change: (text: string) => string): number {
  const text = change(String.fromCharCode(code));
  return text.length === 1 && text.charCodeAt(0) < 256 ? text.charCodeAt(0) : code;
}
