import type { Ptr } from '../../../cpu/layout.js';
import type { VarArgs } from '../../../kernel/abi/convention.js';
import type { LinuxKernel } from '../../kernel.js';
import { escapeBytes } from '../../lib/string/escape.js';
import { sprintf, Vsprintf } from '../../lib/vsprintf/vsprintf.js';
import { hexLine } from '../../printk/hex-dump.js';
import type { Subsystem } from '../../subsystem.js';
import { OpenFiles } from '../open-files.js';
import { dentryPath, filePath } from '../paths.js';

/** Output of a seq_file's show function: into its buffer, or marked as overflowed so that it grows. */
export class SeqPrint implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    seq_printf: (m: Ptr, fmt: Ptr, args: VarArgs) => this.print(m, this.k.get(Vsprintf).text(fmt, args)),
    seq_vprintf: (m: Ptr, fmt: Ptr, args: Ptr) =>
      this.print(m, this.k.get(Vsprintf).text(fmt, this.k.convention.vaList(args))),
    seq_puts: (m: Ptr, text: Ptr) => {
      this.write(m, this.k.space.cstring(text));
    },
    __seq_puts: (m: Ptr, text: Ptr) => {
      this.write(m, this.k.space.cstring(text));
    },
    seq_putc: (m: Ptr, c: number) => {
      this.write(m, String.fromCharCode(c & 0xff));
    },
    seq_write: (m: Ptr, data: Ptr, length: number) => this.writeBytes(m, this.k.space.readable(data, length)),
    seq_pad: (m: Ptr, c: number) => this.pad(m, c),
    seq_put_decimal_ull: (m: Ptr, delimiter: Ptr, value: bigint) => this.decimal(m, delimiter, value, 0),
    seq_put_decimal_ull_width: (m: Ptr, delimiter: Ptr, value: bigint, width: number) =>
      this.decimal(m, delimiter, value, width),
    seq_put_decimal_ll: (m: Ptr, delimiter: Ptr, value: bigint) => this.decimal(m, delimiter, value, 0),
    seq_put_hex_ll: (m: Ptr, delimiter: Ptr, value: bigint, width: number) => {
      this.write(m, this.text(delimiter) + value.toString(16).padStart(width, '0'));
    },
    seq_hex_dump: (
      m: Ptr,
      prefix: Ptr,
      type: number,
      rowSize: number,
      group: number,
      data: Ptr,
      length: number,
      ascii: boolean,
    ) => this.hexDump(m, { prefix: this.text(prefix), type, rowSize, group, ascii }, data, length),
    seq_escape_mem: (m: Ptr, source: Ptr, length: number, flags: number, only: Ptr) => {
      const escaped = escapeBytes(this.k.space.readable(source, length), flags, this.text(only) || undefined);
      this.write(m, escaped);
    },
    mangle_path: (to: Ptr, path: Ptr, escaped: Ptr) => {
      const text = mangle(this.k.space.cstring(path), this.text(escaped));
      this.k.space.storeCstring(to, text);
      return to + text.length;
    },
    seq_path: (m: Ptr, path: Ptr, escaped: Ptr) => {
      const dentry = this.k.struct('path').get(path, 'dentry');
      return this.path(m, dentryPath(this.k, dentry), escaped);
    },
    seq_file_path: (m: Ptr, file: Ptr, escaped: Ptr) =>
      this.path(m, this.k.get(OpenFiles).of(file)?.path ?? filePath(this.k, file), escaped),
    seq_dentry: (m: Ptr, dentry: Ptr, escaped: Ptr) => this.path(m, dentryPath(this.k, dentry), escaped),
  };

  readonly signatures = {
    seq_put_decimal_ull: 'v:ppQ',
    seq_put_decimal_ull_width: 'v:ppQu',
    seq_put_decimal_ll: 'v:ppq',
    seq_put_hex_ll: 'v:ppQu',
    seq_putc: 'v:pi',
  };

  /** Adds text if it fits; true if it did. */
  write(m: Ptr, text: string): boolean {
    const { type, space } = this;
    const count = type.get(m, 'count');
    const size = type.get(m, 'size');
    if (count + text.length >= size && !(text.length === 1 && count < size)) {
      type.set(m, 'count', size);
      return false;
    }
    const out = space.writable(type.get(m, 'buf') + count, text.length);
    for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
    type.set(m, 'count', count + text.length);
    return true;
  }

  private writeBytes(m: Ptr, bytes: Uint8Array): number {
    const { type } = this;
    const count = type.get(m, 'count');
    if (count + bytes.length >= type.get(m, 'size')) {
      type.set(m, 'count', type.get(m, 'size'));
      return -1;
    }
    this.space.writable(type.get(m, 'buf') + count, bytes.length).set(bytes);
    type.set(m, 'count', count + bytes.length);
    return 0;
  }

  private get type() {
    return this.k.struct('seq_file');
  }

  private get space() {
    return this.k.space;
  }

  private text(ptr: Ptr): string {
    return ptr === 0 ? '' : this.space.cstring(ptr);
  }

  /** Formatted output needs room for its NUL as well. */
  private print(m: Ptr, text: string): void {
    const { type } = this;
    const room = type.get(m, 'size') - type.get(m, 'count');
    if (text.length < room) this.write(m, text);
    else type.set(m, 'count', type.get(m, 'size'));
  }

  private hexDump(m: Ptr, style: DumpStyle, data: Ptr, length: number): void {
    const row = style.rowSize === 32 ? 32 : 16;
    for (let at = 0; at < length; at += row) {
      const bytes = this.space.readable(data + at, Math.min(row, length - at));
      const line = hexLine(bytes, row, style.group, style.ascii);
      if (!this.write(m, `${style.prefix}${this.position(style.type, data, at)}${line}\n`)) return;
    }
  }

  private position(type: number, data: Ptr, at: number): string {
    if (type === this.k.enumValue('DUMP_PREFIX_ADDRESS'))
      return `${sprintf(this.k, '%p', this.space.toAddress(data + at))}: `;
    return type === this.k.enumValue('DUMP_PREFIX_OFFSET') ? `${at.toString(16).padStart(8, '0')}: ` : '';
  }

  private decimal(m: Ptr, delimiter: Ptr, value: bigint, width: number): void {
    this.write(m, this.text(delimiter) + value.toString().padStart(width));
  }

  /** Fills up to the column that seq_setwidth() set, then a character. */
  private pad(m: Ptr, c: number): void {
    const { type } = this;
    const blanks = type.get(m, 'pad_until') - type.get(m, 'count');
    if (blanks > 0) {
      if (type.get(m, 'pad_until') >= type.get(m, 'size')) {
        type.set(m, 'count', type.get(m, 'size'));
        return;
      }
      this.write(m, ' '.repeat(blanks));
    }
    if (c !== 0) this.write(m, String.fromCharCode(c & 0xff));
  }

  private path(m: Ptr, path: string, escaped: Ptr): number {
    const text = mangle(path, this.text(escaped));
    return this.write(m, text) ? text.length : -1;
  }
}

interface DumpStyle {
  readonly prefix: string;
  readonly type: number;
  readonly rowSize: number;
  readonly group: number;
  readonly ascii: boolean;
}

/** Octal escapes for the characters of `escape`, as /proc/mounts has them. */
function mangle(path: string, escaped: string): string {
  return [...path]
    .map((c) => (escaped.includes(c) ? `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}` : c))
    .join('');
}
