import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { SEQ_START_TOKEN } from './seq-single.js';

/** Iterators over lists for seq_operations: seq_list_* and seq_hlist_* (fs/seq_file.c). */
export class SeqLists implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    seq_list_start: (head: Ptr, position: number) => this.listStart(head, position),
    seq_list_start_head: (head: Ptr, position: number) =>
      position === 0 ? head : this.listStart(head, position - 1),
    seq_list_next: (entry: Ptr, head: Ptr, position: Ptr) => this.listNext(entry, head, position),
    seq_list_start_rcu: (head: Ptr, position: number) => this.listStart(head, position),
    seq_list_start_head_rcu: (head: Ptr, position: number) =>
      position === 0 ? head : this.listStart(head, position - 1),
    seq_list_next_rcu: (entry: Ptr, head: Ptr, position: Ptr) => this.listNext(entry, head, position),
    seq_hlist_start: (head: Ptr, position: number) => this.hashStart(head, position),
    seq_hlist_start_head: (head: Ptr, position: number) =>
      position === 0 ? SEQ_START_TOKEN : this.hashStart(head, position - 1),
    seq_hlist_next: (entry: Ptr, head: Ptr, position: Ptr) => this.hashNext(entry, head, position),
    seq_hlist_start_rcu: (head: Ptr, position: number) => this.hashStart(head, position),
    seq_hlist_start_head_rcu: (head: Ptr, position: number) =>
      position === 0 ? SEQ_START_TOKEN : this.hashStart(head, position - 1),
    seq_hlist_next_rcu: (entry: Ptr, head: Ptr, position: Ptr) => this.hashNext(entry, head, position),
  };

  private listStart(head: Ptr, position: number): Ptr {
    const { space } = this.k;
    let left = position;
    for (let at = space.loadPtr(head); at !== head; at = space.loadPtr(at)) if (left-- === 0) return at;
    return 0;
  }

  private listNext(entry: Ptr, head: Ptr, position: Ptr): Ptr {
    this.advance(position);
    const next = this.k.space.loadPtr(entry);
    return next === head ? 0 : next;
  }

  private hashStart(head: Ptr, position: number): Ptr {
    const { space } = this.k;
    let left = position;
    for (let at = space.loadPtr(head); at !== 0; at = space.loadPtr(at)) if (left-- === 0) return at;
    return 0;
  }

  private hashNext(entry: Ptr, head: Ptr, position: Ptr): Ptr {
    this.advance(position);
    return this.k.space.loadPtr(entry === SEQ_START_TOKEN ? head : entry);
  }

  private advance(position: Ptr): void {
    this.k.space.storeLong(position, this.k.space.loadS64(position) + 1);
  }
}
