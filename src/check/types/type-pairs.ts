import type { Btf, TypeRef } from '../../formats/btf/index.js';
import { changeText } from './describe.js';
import { listChanges } from './list-difference.js';
import { type FlatMember, flatMembers } from './members.js';

/** The same type in two kernels. */
export interface TypePair {
  readonly name: string;
  readonly there: TypeRef;
  readonly here: TypeRef;
}

/** How one type differs from the same type of another kernel, and which types it is made of. */
export interface Comparison {
  readonly texts: readonly string[];
  readonly parts: readonly TypePair[];
}

const SAME: Comparison = { texts: [], parts: [] };

/** Type ids of a kernel are far below this. */
const MAX_TYPES = 2 ** 26;

/** One number for a pair. */
export function pairKey({ there, here }: TypePair): number {
  return there * MAX_TYPES + here;
}

/** Longer chains of pointers and arrays do not come out of a compiler. */
const MAX_PATH = 64;

/**
 * Compares types of two kernels, one by one and each once. `there` has those of the kernel that a module was built for,
 * `here` those of the one it is to be loaded into.
 */
export class TypePairs {
  private readonly known = new Map<number, Comparison>();

  constructor(
    private readonly there: Btf,
    private readonly here: Btf,
  ) {}

  /** A function's prototypes; undefined where one of the kernels describes no such function. */
  ofFunction(name: string): Comparison | undefined {
    const there = this.there.findPrototype(name);
    const here = this.here.findPrototype(name);
    if (!there || !here) return undefined;
    const before = prototypeText(this.there, there.result, there.params, there.variadic);
    const after = prototypeText(this.here, here.result, here.params, here.variadic);
    const texts = before === after ? [] : [`was ${before}, is ${after}`];
    const parts = [
      this.pairOf(there.result, here.result),
      ...there.params.map((parameter, i) => this.pairOf(parameter.type, here.params[i]?.type)),
    ];
    return { texts, parts: parts.flatMap((pair) => pair ?? []) };
  }

  /** A variable's type; undefined where one of the kernels describes no such variable. */
  ofVariable(name: string): Comparison | undefined {
    const there = this.there.findVariable(name);
    const here = this.here.findVariable(name);
    if (there === undefined || here === undefined) return undefined;
    const before = this.there.typeName(there);
    const after = this.here.typeName(here);
    const pair = this.pairOf(there, here);
    return { texts: before === after ? [] : [`was ${before}, is ${after}`], parts: pair ? [pair] : [] };
  }

  compare(pair: TypePair): Comparison {
    const key = pairKey(pair);
    let found = this.known.get(key);
    if (!found) {
      found = this.compared(pair);
      this.known.set(key, found);
    }
    return found;
  }

  private compared({ there, here }: TypePair): Comparison {
    const a = this.there.classify(there);
    const b = this.here.classify(here);
    if (a.kind === 'func' && b.kind === 'func') return this.functions(there, here);
    if (a.kind === 'enum' && b.kind === 'enum') return this.enums(a.ref, b.ref);
    const composite = (kind: string): boolean => kind === 'struct' || kind === 'union';
    if ((a.kind === 'struct' || a.kind === 'union') && (b.kind === 'struct' || b.kind === 'union'))
      return this.structs(a.ref, b.ref, a.kind === b.kind ? [] : [`was a ${a.kind}, is a ${b.kind}`]);
    if (composite(a.kind) && b.kind === 'incomplete') return { texts: ['is only declared here'], parts: [] };
    if (a.kind === 'incomplete' && composite(b.kind))
      return { texts: ['was only declared there'], parts: [] };
    if (a.kind === b.kind && 'size' in a && 'size' in b && a.size === b.size) return SAME;
    if (a.kind === 'incomplete' && b.kind === 'incomplete') return SAME;
    if (a.kind === 'void' && b.kind === 'void') return SAME;
    return {
      texts: [
        `was ${this.there.typeName(this.there.strip(there))}, is ${this.here.typeName(this.here.strip(here))}`,
      ],
      parts: [],
    };
  }

  private functions(there: TypeRef, here: TypeRef): Comparison {
    const a = this.there.findPrototype(there);
    const b = this.here.findPrototype(here);
    if (!a || !b) return SAME;
    const parts = [
      this.pairOf(a.result, b.result),
      ...a.params.map((parameter, i) => this.pairOf(parameter.type, b.params[i]?.type)),
    ];
    return { texts: [], parts: parts.flatMap((pair) => pair ?? []) };
  }

  private structs(there: TypeRef, here: TypeRef, texts: readonly string[]): Comparison {
    const before = flatMembers(this.there, there);
    const after = flatMembers(this.here, here);
    const changes = listChanges(
      before.map(({ name }) => name),
      after.map(({ name }) => name),
    );
    const removed = new Set(changes.flatMap((change) => change.removed));
    const moved = new Set(changes.flatMap((change) => change.added).filter((name) => removed.has(name)));
    const byName = new Map(after.map((member) => [member.name, member]));
    const common = before.flatMap((member): [FlatMember, FlatMember][] => {
      const other = byName.get(member.name);
      return other ? [[member, other]] : [];
    });
    const all = [
      ...texts,
      ...changes.flatMap((change) => changeText('member', change, moved)),
      ...common
        .filter(([a, b]) => a.declaration !== b.declaration)
        .map(([a, b]) => `member '${a.name}' was '${a.declaration}', is '${b.declaration}'`),
    ];
    return { texts: all, parts: common.flatMap(([a, b]) => this.pairOf(a.type, b.type) ?? []) };
  }

  private enums(there: TypeRef, here: TypeRef): Comparison {
    const before = this.there.enumValues(there);
    const after = this.here.enumValues(here);
    const changes = listChanges([...before.keys()], [...after.keys()]);
    const listed = changes.flatMap((change) => changeText('enumerator', change, new Set()));
    // Where some came in between, the numbers of those after them follow from that.
    if (listed.length > 0) return { texts: listed, parts: [] };
    const values = [...before]
      .filter(([name, value]) => after.get(name) !== value)
      .map(([name, value]) => `enumerator '${name}' was ${value}, is ${after.get(name)}`);
    return { texts: values, parts: [] };
  }

  /** What two types of the same declaration are of, below pointers and arrays; undefined for numbers. */
  private pairOf(there: TypeRef, here: TypeRef | undefined): TypePair | undefined {
    if (here === undefined) return undefined;
    let a = there;
    let b = here;
    for (let step = 0; step < MAX_PATH; step++) {
      const typeA = this.there.classify(a);
      const typeB = this.here.classify(b);
      if (typeA.kind === 'ptr' && typeB.kind === 'ptr') {
        a = typeA.to;
        b = typeB.to;
        continue;
      }
      if (typeA.kind === 'array' && typeB.kind === 'array') {
        a = typeA.of;
        b = typeB.of;
        continue;
      }
      // A difference of kind is the declaration's own, and is told there, unless a typedef hides it.
      const hidden = typeA.typedef !== undefined && typeA.typedef === typeB.typedef;
      if (typeA.kind !== typeB.kind && !hidden && !isTag(typeA.kind, typeB.kind)) return undefined;
      const name = hidden ? `typedef ${typeA.typedef}` : this.nameOf(a);
      if (name === undefined) return undefined;
      return { name, there: hidden ? a : this.there.strip(a), here: hidden ? b : this.here.strip(b) };
    }
    return undefined;
  }

  /** `struct net_device`; undefined for what has no members: numbers. */
  private nameOf(ref: TypeRef): string | undefined {
    const type = this.there.classify(ref);
    switch (type.kind) {
      case 'struct':
      case 'union':
      case 'enum':
        return type.name === '' ? `anonymous ${type.kind}` : `${type.kind} ${type.name}`;
      case 'incomplete':
        return `${type.tag} ${type.name}`;
      case 'func':
        return 'function';
      default:
        return undefined;
    }
  }
}

/** A tagged type may be complete in one kernel and only declared in the other. */
function isTag(a: string, b: string): boolean {
  const tags = ['struct', 'union', 'incomplete'];
  return tags.includes(a) && tags.includes(b);
}

function prototypeText(
  types: Btf,
  result: TypeRef,
  parameters: readonly { readonly type: TypeRef }[],
  variadic: boolean,
): string {
  // A parameter that is itself const is another type to nobody but the function.
  const list = parameters.map(({ type }) => types.typeName(type).replace(/\* const$/, '*'));
  if (variadic) list.push('...');
  return `${types.typeName(result)} (${list.join(', ') || 'void'})`;
}
