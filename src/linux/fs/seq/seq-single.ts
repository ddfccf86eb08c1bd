import type { Ptr } from '../../../cpu/layout.js';
import { constant } from '../../../kernel/abi/fidelity.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { SeqFiles } from './seq-file.js';

/** SEQ_START_TOKEN: a record that is no pointer to anything. */
export const SEQ_START_TOKEN = 1;

/** Files of one record (single_open and its kin, fs/seq_file.c). */
export class SingleFiles implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    single_open: (file: Ptr, show: Ptr, data: Ptr) => this.open(file, show, data),
    single_open_size: (file: Ptr, show: Ptr, data: Ptr, size: number) =>
      this.openSize(file, show, data, size),
    single_release: (_inode: Ptr, file: Ptr) => this.release(file),
    single_start: (_m: Ptr, position: Ptr) => (this.k.space.load64(position) === 0n ? SEQ_START_TOKEN : 0),
    single_next: (_m: Ptr, _record: Ptr, position: Ptr) => {
      this.k.space.store64(position, this.k.space.load64(position) + 1n);
      return 0;
    },
    single_stop: constant(undefined),
  };

  open(file: Ptr, show: Ptr, data: Ptr): number {
    const { k } = this;
    const type = k.struct('seq_operations');
    const operations = k.slab.allocateBytes(type.size, true);
    if (operations === 0) return -ENOMEM;
    type.set(operations, 'start', k.fn('single_start'));
    type.set(operations, 'next', k.fn('single_next'));
    type.set(operations, 'stop', k.fn('single_stop'));
    type.set(operations, 'show', show);
    const seq = k.get(SeqFiles);
    const error = seq.open(file, operations);
    if (error === 0) k.struct('seq_file').set(seq.of(file), 'private', data);
    else k.slab.free(operations);
    return error;
  }

  release(file: Ptr): number {
    const seq = this.k.get(SeqFiles);
    const operations = this.k.struct('seq_file').get(seq.of(file), 'op');
    const result = seq.release(file);
    this.k.slab.free(operations);
    return result;
  }

  private openSize(file: Ptr, show: Ptr, data: Ptr, size: number): number {
    const error = this.open(file, show, data);
    if (error !== 0) return error;
    const seq = this.k.get(SeqFiles);
    if (seq.reserve(seq.of(file), size)) return 0;
    this.release(file);
    return -ENOMEM;
  }
}
