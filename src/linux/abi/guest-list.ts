import type { Ptr } from '../../cpu/layout.js';
import { type HeldStruct, type Holder, type Holding, heldStructs, listedStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import { list } from './list.js';

/**
 * A global list of registered structs that are linked through a list_head of their own: what most of the
 * network stack's registration functions keep. The head is the kernel's own variable where it has a symbol.
 */
export class GuestList implements Holder {
  private headAt: Ptr = 0;

  constructor(
    private readonly k: LinuxKernel,
    private readonly struct: string,
    private readonly member: string,
    private readonly symbol: string,
    private readonly what: Omit<HeldStruct, 'struct'>,
  ) {
    k.holders.push(this);
  }

  holds(): Iterable<Holding> {
    const { k, struct, member, what } = this;
    return this.headAt === 0
      ? []
      : heldStructs(k, { ...what, struct }, listedStructs(k, struct, member, this.headAt));
  }

  get head(): Ptr {
    if (this.headAt === 0) {
      const { k } = this;
      this.headAt = this.symbol !== '' && k.hasSymbol(this.symbol) ? k.symbol(this.symbol) : k.permanent(16);
      // What the target's own code has begun goes on.
      if (k.space.loadPtr(this.headAt) === 0) list.init(k.space, this.headAt);
    }
    return this.headAt;
  }

  /** The registered structs, first to last; safe against removal of the one just given. */
  *[Symbol.iterator](): Generator<Ptr> {
    const type = this.k.struct(this.struct);
    for (const node of list.entries(this.k.space, this.head)) yield type.of(node, this.member);
  }

  find(matches: (struct: Ptr) => boolean): Ptr | undefined {
    for (const struct of this) if (matches(struct)) return struct;
    return undefined;
  }

  has(struct: Ptr): boolean {
    return this.find((candidate) => candidate === struct) !== undefined;
  }

  add(struct: Ptr): void {
    this.k.origins.note(struct);
    list.add(this.k.space, this.node(struct), this.head);
  }

  addTail(struct: Ptr): void {
    this.k.origins.note(struct);
    list.addTail(this.k.space, this.node(struct), this.head);
  }

  /** Puts a struct in front of another, or at the end when there is none. */
  addBefore(struct: Ptr, next: Ptr | undefined): void {
    this.k.origins.note(struct);
    list.addTail(this.k.space, this.node(struct), next === undefined ? this.head : this.node(next));
  }

  /** list_del(): unlinks a struct and poisons its links. */
  del(struct: Ptr): void {
    list.del(this.k.space, this.node(struct));
  }

  delInit(struct: Ptr): void {
    list.delInit(this.k.space, this.node(struct));
  }

  private node(struct: Ptr): Ptr {
    return this.k.struct(this.struct).addr(struct, this.member);
  }
}
