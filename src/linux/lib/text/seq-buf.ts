import type { Ptr } from '../../../cpu/layout.js';
import type { VarArgs } from '../../../kernel/abi/convention.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Vsprintf } from '../vsprintf/vsprintf.js';

/** Text that grows in a buffer of fixed size; one byte too many marks it as overflowed (include/linux/seq_buf.h). */
export class SeqBuf implements Subsystem {
  private readonly type: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('seq_buf');
  }

  readonly exports = {
    seq_buf_printf: (buf: Ptr, fmt: Ptr, args: VarArgs) => this.print(buf, fmt, args),
    seq_buf_puts: (buf: Ptr, text: Ptr) => this.append(buf, this.k.space.cstring(text)),
    seq_buf_putc: (buf: Ptr, byte: number) => this.append(buf, String.fromCharCode(byte & 0xff)),
  };

  /** All of a text, or none of it and the mark of an overflow. */
  private append(buf: Ptr, text: string): number {
    const { type } = this;
    const size = type.get(buf, 'size');
    const length = type.get(buf, 'len');
    if (length + text.length >= size) {
      type.set(buf, 'len', size + 1);
      return -1;
    }
    this.k.space.storeCstring(type.get(buf, 'buffer') + length, text);
    type.set(buf, 'len', length + text.length);
    return 0;
  }

  private print(buf: Ptr, fmt: Ptr, args: VarArgs): number {
    const { type } = this;
    const size = type.get(buf, 'size');
    const length = type.get(buf, 'len');
    if (length < size) {
      const text = this.k.get(Vsprintf).text(fmt, args);
      this.k.space.storeCstring(type.get(buf, 'buffer') + length, text.slice(0, size - length - 1));
      if (length + text.length < size) {
        type.set(buf, 'len', length + text.length);
        return 0;
      }
    }
    type.set(buf, 'len', size + 1);
    return -1;
  }
}
