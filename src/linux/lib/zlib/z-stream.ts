import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';

/** Results of zlib's functions, and flush modes (include/linux/zlib.h). */
export const Z_OK = 0;
export const Z_STREAM_END = 1;
export const Z_STREAM_ERROR = -2;
export const Z_DATA_ERROR = -3;
export const Z_BUF_ERROR = -5;
export const Z_NO_FLUSH = 0;
export const Z_FINISH = 4;

/** struct z_stream of a caller: what is to be read and where room is. */
export class ZStream {
  private readonly type;

  constructor(
    private readonly k: LinuxKernel,
    private readonly at: Ptr,
  ) {
    this.type = k.struct('z_stream');
  }

  get available(): number {
    return this.type.get(this.at, 'avail_in');
  }

  get room(): number {
    return this.type.get(this.at, 'avail_out');
  }

  take(): number | undefined {
    if (this.available === 0) return undefined;
    return this.takeAll(1)[0];
  }

  takeAll(limit = this.available): Uint8Array {
    const { type, at } = this;
    const from = type.get(at, 'next_in');
    const bytes = this.k.space.bytes.slice(from, from + limit);
    this.move('next_in', 'avail_in', 'total_in', limit);
    return bytes;
  }

  put(byte: number): boolean {
    if (this.room === 0) return false;
    this.k.space.store8(this.type.get(this.at, 'next_out'), byte);
    this.move('next_out', 'avail_out', 'total_out', 1);
    return true;
  }

  putAll(bytes: Uint8Array): void {
    this.k.space.writable(this.type.get(this.at, 'next_out'), bytes.length).set(bytes);
    this.move('next_out', 'avail_out', 'total_out', bytes.length);
  }

  /** A new stream: nothing read or written; `state` is where its memory is. */
  reset(): void {
    const { type, at } = this;
    for (const member of ['total_in', 'total_out', 'msg', 'reserved']) type.set(at, member, 0);
    type.set(at, 'state', type.get(at, 'workspace'));
    this.checksum = 1;
  }

  set checksum(value: number) {
    this.type.set(this.at, 'adler', value);
  }

  set message(text: string) {
    this.type.set(this.at, 'msg', this.k.constantString(text));
  }

  private move(next: string, available: string, total: string, bytes: number): void {
    const { type, at } = this;
    type.set(at, next, type.get(at, next) + bytes);
    type.set(at, available, type.get(at, available) - bytes);
    type.set(at, total, type.get(at, total) + bytes);
  }
}
