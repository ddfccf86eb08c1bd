import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withScratch } from '../dev/scratch.js';
import { Panic } from '../kern/panic.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Members of a struct vop_vector that are no operations. */
const NO_OPERATIONS: ReadonlySet<string> = new Set(['vop_default', 'vop_bypass', 'registered']);
/** VDESC_NO_OFFSET. */
const NO_OFFSET = -1;

/** Arguments of an operation, by the members of its struct: `a_vp`, `a_cred`, ... */
export type VopArguments = Readonly<Record<string, number>>;

/**
 * Operations of vnodes: their vectors, which file systems fill with what is theirs, their descriptors, and the calls (what
 * sys/tools/vnode_if.awk makes of vnode_if.src). Which there are and what their arguments are the target's types say.
 */
export class VopVectors implements Subsystem {
  /** `vop_lookup` and so on. */
  private readonly names: readonly string[];

  constructor(private readonly k: FreebsdKernel) {
    this.names = k.types
      .structMembers('vop_vector')
      .map(({ name }) => name)
      .filter((name) => !NO_OPERATIONS.has(name));
    this.exports = {
      vfs_vector_op_register: (vector: Ptr) => this.register(vector),
      ...Object.fromEntries(
        this.names.flatMap((name) => [
          [`${name.toUpperCase()}_APV`, (vector: Ptr, args: Ptr) => this.callVector(vector, name, args)],
          [`${name.toUpperCase()}_AP`, (args: Ptr) => this.callAp(name, args)],
        ]),
      ),
    };
    this.signatures = Object.fromEntries(
      this.names.flatMap((name) => [
        [`${name.toUpperCase()}_APV`, 'i:pp'],
        [`${name.toUpperCase()}_AP`, 'i:p'],
      ]),
    );
    this.data = Object.fromEntries(
      this.names.map((name) => [`${name}_desc`, (at: Ptr) => this.describe(at, name)]),
    );
  }

  readonly exports;
  readonly signatures;
  readonly data;

  /** vfs_vector_op_register(): what a vector has not it has of those that it defaults to, or of their bypass. */
  register(vector: Ptr): void {
    const { k } = this;
    const type = k.struct('vop_vector');
    if (type.get(vector, 'registered') !== 0)
      throw new Panic(
        `vfs_vector_op_register: vop_vector 0x${k.space.toAddress(vector).toString(16)} already registered`,
      );
    const chain = [...this.chain(vector)];
    for (const name of this.names) {
      const from = chain.find((one) => type.get(one, name) !== 0 || type.get(one, 'vop_bypass') !== 0);
      if (from !== undefined) type.set(vector, name, type.get(from, name));
    }
    const bypass = chain.find((one) => type.get(one, 'vop_bypass') !== 0);
    if (bypass !== undefined) type.set(vector, 'vop_bypass', type.get(bypass, 'vop_bypass'));
    for (const name of this.names)
      if (type.get(vector, name) === 0) type.set(vector, name, type.get(vector, 'vop_bypass'));
    type.set(vector, 'registered', 1);
  }

  private *chain(vector: Ptr): Generator<Ptr> {
    const type = this.k.struct('vop_vector');
    for (let at = vector; at !== 0; at = type.get(at, 'vop_default')) yield at;
  }

  private describe(at: Ptr, name: string): void {
    const { k } = this;
    const type = k.struct('vnodeop_desc');
    const members = k.types.structMembers(`${name}_args`).slice(1);
    const ofType = (text: string): number[] =>
      members.filter((member) => k.types.typeName(member.type) === text).map(({ offset }) => offset);
    const vnodes = ofType('struct vnode *');
    const list = k.permanent(4 * (vnodes.length + 1));
    for (const [i, offset] of [...vnodes, NO_OFFSET].entries()) k.space.store32(list + 4 * i, offset >>> 0);
    type.set(at, 'vdesc_name', k.constantString(name));
    type.set(at, 'vdesc_flags', name === 'vop_rename' ? this.renameFlags : 0);
    type.set(at, 'vdesc_vop_offset', k.struct('vop_vector').offsetOf(name));
    type.set(at, 'vdesc_call', k.fn(`${name.toUpperCase()}_AP`));
    type.set(at, 'vdesc_vp_offsets', list);
    type.set(at, 'vdesc_vpp_offset', ofType('struct vnode **')[0] ?? NO_OFFSET);
    type.set(at, 'vdesc_cred_offset', ofType('struct ucred *')[0] ?? NO_OFFSET);
    type.set(at, 'vdesc_thread_offset', ofType('struct thread *')[0] ?? NO_OFFSET);
    type.set(at, 'vdesc_componentname_offset', ofType('struct componentname *')[0] ?? NO_OFFSET);
  }

  /** All four vnodes that a rename is given are released by it. */
  private get renameFlags(): number {
    return [0, 1, 2, 3].reduce((flags, i) => flags | this.k.macro(`VDESC_VP${i}_WILLRELE`), 0);
  }

  private *callVector(vector: Ptr, name: string, args: Ptr): Sleepable<number> {
    const type = this.k.struct('vop_vector');
    for (const at of this.chain(vector)) {
      if (type.get(at, name) !== 0) return yield* this.k.callAs('i:p', type.get(at, name), args);
      if (type.get(at, 'vop_bypass') !== 0)
        return yield* this.k.callAs('i:p', type.get(at, 'vop_bypass'), args);
    }
    throw new Panic(`No ${name}(args)`);
  }

  /** The vector is that of the first vnode among the arguments. */
  private *callAp(name: string, args: Ptr): Sleepable<number> {
    const { k } = this;
    const desc = k.variable(`${name}_desc`);
    const first = k.space.loadInt32(k.struct('vnodeop_desc').get(desc, 'vdesc_vp_offsets'));
    const vp = k.space.loadPtr(args + first);
    return yield* this.callVector(k.struct('vnode').get(vp, 'v_op'), name, args);
  }

  /** Calls an operation of a vnode: VOP_LOOKUP() is `call(dvp, 'vop_lookup', { a_dvp: dvp, ... })`. */
  *call(vp: Ptr, name: string, args: VopArguments): Sleepable<number> {
    const { k } = this;
    const type = k.struct(`${name}_args`);
    const vector = k.struct('vnode').get(vp, 'v_op');
    return yield* withScratch(k, type.size, (at) => {
      type.set(at, 'a_gen.a_desc', k.variable(`${name}_desc`));
      for (const [member, value] of Object.entries(args)) type.set(at, member, value);
      return this.callVector(vector, name, at);
    });
  }
}
