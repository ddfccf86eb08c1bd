import { ZStream as ZlibStream } from 'pako';
import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';

/** struct z_stream of a caller, and zlib's own (include/linux/zlib.h). */
export class ZStream {
  readonly zlib = new ZlibStream();
  private readonly type;

  constructor(
    private readonly k: LinuxKernel,
    private readonly at: Ptr,
  ) {
    this.type = k.struct('z_stream');
  }

  /** A new stream: nothing read or written; `state` is where its memory is. */
  begin(): void {
    const { type, at } = this;
    for (const member of ['total_in', 'total_out', 'msg', 'reserved']) type.set(at, member, 0);
    type.set(at, 'state', type.get(at, 'workspace'));
    type.set(at, 'adler', this.zlib.adler);
  }

  get available(): number {
    return this.type.get(this.at, 'avail_in');
  }

  get room(): number {
    return this.type.get(this.at, 'avail_out');
  }

  /** Has zlib go on with what there is to read, as far as there is room; `step` is its result. */
  run(step: (zlib: ZlibStream) => number): number {
    const { zlib, type, at, available, room } = this;
    const { space } = this.k;
    zlib.input = space.readable(type.get(at, 'next_in'), available);
    zlib.next_in = 0;
    zlib.avail_in = available;
    // The view is of guest memory, which is one ArrayBuffer.
    zlib.output = space.writable(type.get(at, 'next_out'), room) as Uint8Array<ArrayBuffer>;
    zlib.next_out = 0;
    zlib.avail_out = room;
    const result = step(zlib);
    this.move('next_in', 'avail_in', 'total_in', available - zlib.avail_in);
    this.move('next_out', 'avail_out', 'total_out', room - zlib.avail_out);
    type.set(at, 'adler', zlib.adler);
    if (zlib.msg !== '') type.set(at, 'msg', this.k.constantString(zlib.msg));
    return result;
  }

  private move(next: string, available: string, total: string, bytes: number): void {
    const { type, at } = this;
    type.set(at, next, type.get(at, next) + bytes);
    type.set(at, available, type.get(at, available) - bytes);
    type.set(at, total, type.get(at, total) + bytes);
  }
}
