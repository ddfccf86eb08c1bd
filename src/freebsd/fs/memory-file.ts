import type { Sleepable } from '../../kernel/effects.js';
import type { DataNode } from '../../kernel/files/index.js';
import { ENOSPC, ENOTTY } from '../errno.js';
import type { CallNumber, FileStatus, OpenFile, ReadResult } from './open-file.js';

/** An open file of the machine's own tree: no guest code has a part in it. */
export class TreeFile implements OpenFile {
  offset = 0;
  readonly file = 0;

  constructor(
    readonly path: string,
    readonly flags: number,
    private readonly node: DataNode,
    private readonly appends: boolean,
  ) {}

  *read(count: number): Sleepable<ReadResult> {
    yield* [];
    const bytes = this.node.read(this.offset, count).slice();
    this.offset += bytes.length;
    return bytes;
  }

  *write(bytes: Uint8Array): Sleepable<CallNumber> {
    yield* [];
    if (this.appends) this.offset = this.node.size;
    if (this.node.write(this.offset, bytes) !== 0) return { errno: ENOSPC };
    this.offset += bytes.length;
    return { value: bytes.length };
  }

  *ioctl(): Sleepable<CallNumber> {
    yield* [];
    return { errno: ENOTTY };
  }

  *poll(events: number): Sleepable<number> {
    yield* [];
    return events;
  }

  *close(): Sleepable<number> {
    yield* [];
    return 0;
  }

  status(): FileStatus {
    const { mode, size, uid, gid } = this.node;
    return { kind: 'file', mode, size, uid, gid };
  }
}
