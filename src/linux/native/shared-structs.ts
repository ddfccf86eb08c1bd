import type { CTypes } from '../../kernel/abi/c-types.js';

/**
 * Structures that TypeScript makes or fills: those that functions which it has take or return. It fills what its own functions and
 * modules look at; a native function may look at more. So who takes one is not native by itself: a subsystem has to declare that
 * the structure is complete for what it does.
 */
export class SharedStructs {
  private found: ReadonlySet<string> | undefined;

  constructor(
    private readonly types: CTypes,
    /** Functions that TypeScript has. */
    private readonly implemented: () => Iterable<string>,
  ) {}

  /** The first structure of TypeScript's that a function takes or returns, if any. */
  of(name: string): string | undefined {
    return this.structsOf(name).find((struct) => this.all.has(struct));
  }

  private get all(): ReadonlySet<string> {
    if (!this.found) {
      const all = new Set<string>();
      for (const name of this.implemented()) for (const struct of this.structsOf(name)) all.add(struct);
      this.found = all;
    }
    return this.found;
  }

  private structsOf(name: string): string[] {
    const { types } = this;
    const prototype = types.findPrototype(name);
    if (!prototype) return [];
    const refs = [...prototype.params.map(({ type }) => type), prototype.result];
    return refs.flatMap((ref) => {
      const type = types.classify(ref);
      const pointee = type.kind === 'ptr' ? types.classify(type.to) : type;
      return pointee.kind === 'struct' || pointee.kind === 'union' ? [pointee.name] : [];
    });
  }
}
