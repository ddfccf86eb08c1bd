import type { TypeRef } from '../../formats/btf/index.js';
import type { CTypes } from '../../kernel/abi/c-types.js';

/** What TypeScript makes and gives to functions of modules, though no function that it has returns one. */
const GIVEN =
  'ctl_table dentry file fs_context inode iov_iter kernel_param kiocb pglist_data pt_regs poll_table_struct request seq_file super_block task_struct zone'.split(
    ' ',
  );

/** Links, numbers and the like: whoever has one has all of it. Caches are passed on to the allocator alone. */
const PLAIN = new Set(
  'list_head hlist_head hlist_node rb_node rb_root scatterlist llist_node timespec64 cpumask nlattr reciprocal_value kmem_cache'.split(
    ' ',
  ),
);

export const isPlain = (struct: string): boolean => PLAIN.has(struct);

/**
 * Structures that TypeScript makes: those that functions which it has return, and those that it gives to modules' functions. It fills
 * what its own functions and modules look at; a native function may look at more. So who takes one is not native by itself: a
 * subsystem has to declare that the structure is complete for what it does.
 */
export class SharedStructs {
  private found: ReadonlySet<string> | undefined;

  constructor(
    private readonly types: CTypes,
    /** Functions that TypeScript has and that make something. */
    private readonly implemented: () => Iterable<string>,
  ) {}

  /** The structures of TypeScript's that a function takes or returns. */
  of(name: string): readonly string[] {
    return this.structsOf(name).filter((struct) => this.all.has(struct));
  }

  /** All structures that TypeScript makes. */
  get all(): ReadonlySet<string> {
    if (!this.found) {
      const all = new Set(GIVEN);
      for (const name of this.implemented()) {
        const result = this.types.findPrototype(name)?.result;
        const struct = result === undefined ? undefined : structOf(this.types, result);
        if (struct && !PLAIN.has(struct)) all.add(struct);
      }
      this.found = all;
    }
    return this.found;
  }

  private structsOf(name: string): string[] {
    const prototype = this.types.findPrototype(name);
    if (!prototype) return [];
    return [...prototype.params.map(({ type }) => type), prototype.result].flatMap(
      (ref) => structOf(this.types, ref) ?? [],
    );
  }
}

/** The structure that a type is, or is a pointer to. */
export function structOf(types: CTypes, ref: TypeRef): string | undefined {
  const type = types.classify(ref);
  const pointee = type.kind === 'ptr' ? types.classify(type.to) : type;
  return pointee.kind === 'struct' || pointee.kind === 'union' ? pointee.name : undefined;
}
