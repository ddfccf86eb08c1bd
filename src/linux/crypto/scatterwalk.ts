import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { ScatterTable } from '../lib/scatterlist/table.js';
import type { Subsystem } from '../subsystem.js';

/** Direction of a copy: into the scatterlist, or only moving on. */
const TO_LIST = 1;
const SKIP = 2;

/** Walking through scatterlists piece by piece (crypto/scatterwalk.c). */
export class ScatterWalks implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  readonly table: ScatterTable;

  constructor(private readonly k: LinuxKernel) {
    this.table = new ScatterTable(k.space, k.struct('scatterlist'), k.sizeOf('page'));
  }

  readonly exports = {
    scatterwalk_map_and_copy: (buffer: Ptr, sg: Ptr, start: number, bytes: number, out: number) => {
      if (bytes > 0) this.copyFrom({ sg, offset: 0 }, buffer, start, bytes, out);
    },
    scatterwalk_copychunks: (buffer: Ptr, walk: Ptr, bytes: number, out: number) => {
      const position = this.load(walk);
      this.copy(position, buffer, bytes, out);
      this.store(walk, position);
    },
    scatterwalk_ffwd: (destination: Ptr, source: Ptr, bytes: number) =>
      this.forward(destination, source, bytes),
  };

  load(walk: Ptr): Position {
    const type = this.k.struct('scatter_walk');
    return { sg: type.get(walk, 'sg'), offset: type.get(walk, 'offset') };
  }

  store(walk: Ptr, { sg, offset }: Position): void {
    const type = this.k.struct('scatter_walk');
    type.set(walk, 'sg', sg);
    type.set(walk, 'offset', offset);
  }

  /** scatterwalk_start(): the first byte of an entry. */
  start(sg: Ptr): Position {
    return { sg, offset: this.table.offset(sg) };
  }

  /** Bytes from the position to the end of its page or its entry. */
  pageLeft({ sg, offset }: Position): number {
    const inEntry = this.table.offset(sg) + this.table.length(sg) - offset;
    return Math.min(inEntry, PAGE_SIZE - (offset % PAGE_SIZE));
  }

  /** scatterwalk_map(): where the position's byte is. */
  memory({ sg, offset }: Position): Ptr {
    return this.table.memoryOf(this.table.page(sg)) + offset;
  }

  /** Moves on by no more than what is left in the page; into the next entry only where more is to come. */
  advance(position: Position, bytes: number, more: boolean): void {
    position.offset += bytes;
    const { sg } = position;
    if (!more || position.offset < this.table.offset(sg) + this.table.length(sg)) return;
    position.sg = this.table.next(sg);
    position.offset = this.table.offset(position.sg);
  }

  private copyFrom(from: Position, buffer: Ptr, start: number, bytes: number, out: number): void {
    let skip = start;
    let { sg } = from;
    for (; skip > 0 && skip >= this.table.length(sg); sg = this.table.next(sg)) skip -= this.table.length(sg);
    const position = this.start(sg);
    position.offset += skip;
    this.copy(position, buffer, bytes, out);
  }

  private copy(position: Position, buffer: Ptr, bytes: number, out: number): void {
    const { space } = this.k;
    for (let done = 0; done < bytes; ) {
      const length = Math.min(this.pageLeft(position), bytes - done);
      const at = this.memory(position);
      if (out === TO_LIST)
        space.writable(at, length).set(space.bytes.slice(buffer + done, buffer + done + length));
      else if (out !== SKIP) space.writable(buffer + done, length).set(space.bytes.slice(at, at + length));
      done += length;
      this.advance(position, length, done < bytes);
    }
  }

  /** scatterwalk_ffwd(): a list that begins so many bytes later; `destination` has room for two entries. */
  private forward(destination: Ptr, source: Ptr, bytes: number): Ptr {
    const { table } = this;
    let sg = source;
    let skip = bytes;
    for (; skip > 0 && table.length(sg) <= skip; sg = table.next(sg)) skip -= table.length(sg);
    if (skip === 0) return sg;
    table.init(destination, 2);
    table.setPage(destination, table.page(sg), table.length(sg) - skip, table.offset(sg) + skip);
    const next = table.next(sg);
    if (next !== 0) table.chain(destination, 2, next);
    else table.markEnd(destination);
    return destination;
  }
}

/** A byte of a scatterlist: an entry, and the offset from the start of its page. */
export interface Position {
  sg: Ptr;
  offset: number;
}
