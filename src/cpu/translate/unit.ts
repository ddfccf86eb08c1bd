import { RSP_BIT } from '../decode/effects.js';
import type { Insn } from '../decode/instruction.js';
import { type AddressPlan, frameOnly, planAddresses, type Range } from '../flow/addresses.js';
import type { Block, Graph } from '../flow/cfg.js';
import type { FlowInfo } from '../flow/dominators.js';
import type { Liveness } from '../flow/liveness.js';
import { innermostLoops } from '../flow/loops.js';
import { emitStructured, type FlowSink } from '../flow/structure.js';
import type { Instrumentation } from '../instrumentation.js';
import { DEPTH_LEFT, EXIT_RESULT, FUEL } from '../runtime/layout.js';
import { CodeWriter } from '../wasm/code-writer.js';
import { Op, V128 } from '../wasm/op.js';
import * as control from './control.js';
import { tellDevice } from './device.js';
import { translateInsn } from './families.js';
import type { LazyState } from './flags.js';
import { emitEpilogue, loadFlags } from './frame.js';
import { FRAME_COST, L, LOCAL_GROUPS } from './locals.js';
import { callService } from './services.js';
import type { Site } from './site.js';
import { tellBlock } from './tell.js';
import { type CheckMode, Translator } from './translator.js';
import type { HelperName } from './vector/helpers.js';
import { VectorLocals } from './vector-locals.js';

/** What the translator asks about the addresses that a unit refers to. */
export interface Environment {
  toPtr(address: number): number | undefined;
  isHost(ptr: number): boolean;
  /** Whether flags are dead where control passes to this address: it is called as a function. */
  isFunction(ptr: number): boolean;
}

/** What the functions of one WebAssembly module have in common. */
export interface SharedModule {
  readonly sites: Site[];
  /** Functions that can be called directly: linear offset and function index. */
  readonly functions: ReadonlyMap<number, number>;
  /** Function index of a helper, which becomes part of the module. */
  readonly helper: (name: HelperName) => number;
  readonly instrumentation: Instrumentation;
}

export interface TranslatedUnit {
  readonly body: CodeWriter;
  /** Offsets in the body of padded slot numbers, and the linear offset each belongs to. */
  readonly slots: { readonly offset: number; readonly ptr: number }[];
}

/** Translates a graph to one WebAssembly function. */
export function translateUnit(
  graph: Graph,
  flow: FlowInfo,
  live: Liveness,
  env: Environment,
  mode: CheckMode,
  shared: SharedModule,
): TranslatedUnit {
  return new UnitTranslation(graph, flow, live, env, mode, shared).translate();
}

export class UnitTranslation implements FlowSink {
  readonly w = new CodeWriter(8192);
  readonly t: Translator;
  readonly plan: AddressPlan | undefined;
  readonly slots: { offset: number; ptr: number }[] = [];
  private readonly weights: number[];
  private readonly flagsAtEnd: (LazyState | undefined)[] = [];
  private readonly dirtyAtEnd: number[] = [];
  private readonly vectorsDirtyAtEnd: number[] = [];

  constructor(
    readonly graph: Graph,
    readonly flow: FlowInfo,
    readonly live: Liveness,
    readonly env: Environment,
    mode: CheckMode,
    readonly shared: SharedModule,
  ) {
    this.t = new Translator(this.w, mode, shared.sites, graph.blocks[0].ptr);
    if (live.vectors) this.t.vectors = new VectorLocals(live.vectors.used);
    this.t.helper = shared.helper;
    const plan = mode !== 'full' && mode !== 'device' ? planAddresses(graph) : undefined;
    this.plan = plan && mode === 'watched' ? frameOnly(plan) : plan;
    this.weights = loopWeights(graph, flow);
  }

  translate(): TranslatedUnit {
    const { w, t } = this;
    w.u32(LOCAL_GROUPS.length + (t.vectors ? 1 : 0));
    for (const [count, type] of LOCAL_GROUPS) {
      w.u32(count);
      w.byte(type);
    }
    if (t.vectors) {
      w.u32(t.vectors.count);
      w.byte(V128);
    }
    w.op(Op.block, 0x40, Op.block, 0x40);
    t.depth = 2;
    this.prologue();
    emitStructured(this.graph, this.flow, this);
    w.op(Op.unreachable, Op.end);
    emitEpilogue(t, this.live.modified, this.live.vectors?.modified ?? 0);
    return { body: w, slots: this.slots };
  }

  private prologue(): void {
    const { w, t } = this;
    const flags = this.live.flagsIn[0];
    // The slot parameter's local is free from here on. Code that calls nothing needs neither check: the run
    // loop and loops look at the fuel too.
    if (this.graph.blocks.some(callsOut)) {
      this.aimAtBlock('deep', 0, 0);
      w.get(L.depth);
      w.i32(FRAME_COST + (t.vectors ? t.vectors.count * 16 : 0));
      w.op(Op.i32Sub);
      w.tee(L.depth);
      w.i32(0);
      w.op(Op.i32LtS);
      t.exitIf();
      this.aimAtBlock('budget', 0, 0);
      w.get(L.fuel);
      w.i64(0);
      w.op(Op.i64LeS);
      t.exitIf();
    }
    if (this.plan?.frame) this.checkFrame(this.plan.frame);
    this.charge(this.weights[this.graph.blocks.length]);
    if (flags) loadFlags(t, flags);
    t.loadRegs(this.live.neededIn[0] & ~RSP_BIT);
    t.loadVectors(this.vectorsNeeded(0));
  }

  /** All of the stack frame at once: see flow/addresses.ts. */
  private checkFrame(frame: Range): void {
    const { w, t } = this;
    w.get(L.rsp);
    w.i64(frame.low - 0x8000_0000);
    w.op(Op.i64Add);
    w.set(L.ea);
    this.aimAtBlock('frame', 0, 0);
    t.checkRange(frame.high - frame.low, true);
    w.get(L.ea);
    w.op(Op.i32WrapI64);
    w.set(L.frame);
    frame.local = L.frame;
  }

  /** A site that resumes at the start of a block; its flags are in their locals. */
  private aimAtBlock(kind: 'deep' | 'budget' | 'frame', block: number, flags: number): void {
    const { t } = this;
    t.aimAt({
      kind,
      address: this.graph.blocks[block].address,
      ...(flags ? { flags: { live: flags, lazy: 0, kind: 'logic', size: 8 } } : { flags: undefined }),
    });
  }

  get depth(): number {
    return this.t.depth;
  }

  open(opcode: number): void {
    this.w.op(opcode, 0x40);
    this.t.depth++;
  }

  close(): void {
    this.w.byte(Op.end);
    this.t.depth--;
  }

  branch(label: number, conditional: boolean): void {
    this.w.byte(conditional ? Op.brIf : Op.br);
    this.w.u32(this.t.depth - 1 - label);
  }

  table(labels: number[], fallback: number): void {
    const { w, t } = this;
    w.get(L.state);
    w.byte(Op.brTable);
    w.u32(labels.length);
    for (const label of labels) w.u32(t.depth - 1 - label);
    w.u32(t.depth - 1 - fallback);
  }

  setState(block: number): void {
    this.w.i32(block);
    this.w.set(L.state);
  }

  /** Charges fuel for a branch back to `to` and leaves when there is none left. */
  backEdge(from: number, to: number, weight = this.weights[to]): void {
    const { w, t } = this;
    t.dirty = this.dirtyAtEnd[from];
    if (t.vectors) t.vectors.dirty = this.vectorsDirtyAtEnd[from];
    this.aimAtBlock('budget', to, this.live.flagsIn[to]);
    w.get(L.fuel);
    w.i64(Math.max(1, weight));
    w.op(Op.i64Sub);
    w.tee(L.fuel);
    w.i64(0);
    w.op(Op.i64LeS);
    t.exitIf();
  }

  charge(weight: number): void {
    const { w } = this;
    w.get(L.fuel);
    w.i64(weight);
    w.op(Op.i64Sub);
    w.set(L.fuel);
  }

  /** Emits a block's instructions and, for blocks that end here, the end. */
  block(index: number): void {
    const { t, live } = this;
    const block = this.graph.blocks[index];
    const preds = this.flow.preds[index];
    t.flags.restore(index !== 0 && preds.length === 1 ? this.flagsAtEnd[preds[0]] : undefined);
    t.dirty = live.dirtyIn[index];
    if (t.vectors) t.vectors.dirty = live.vectors?.dirtyIn[index] ?? 0;
    if (this.plan) t.beginBlock(this.plan, index);
    tellBlock(this, block);
    let before = live.flagsIn[index];
    block.insns.forEach((insn, i) => {
      const after = live.flagsAfter[index][i];
      t.begin(insn, before, after);
      t.writes = false;
      translateInsn(t, insn);
      if (t.mode === 'device' && t.writes) tellDevice(t);
      t.symbols?.step(insn);
      before = after;
    });
    this.terminate(block, index, before);
    for (const next of this.flow.succs[index])
      if (next === 0 || this.flow.preds[next].length > 1) t.flags.materialise(live.flagsIn[next]);
    this.flagsAtEnd[index] = t.flags.save();
    // loop and its kin count down in the condition.
    const { terminator } = block;
    const counts = terminator.kind === 'cond' && terminator.insn.op.startsWith('loop');
    this.dirtyAtEnd[index] = t.dirty | (counts ? 1 << 1 : 0);
    this.vectorsDirtyAtEnd[index] = t.vectors?.dirty ?? 0;
  }

  /** Pushes the condition of a conditional branch, after flags were made ready for its targets. */
  condition(index: number): void {
    const terminator = this.graph.blocks[index].terminator;
    if (terminator.kind !== 'cond') throw new Error('not a conditional branch');
    control.pushCondition(this.t, terminator.insn);
  }

  private terminate(block: Block, index: number, before: number): void {
    const { t } = this;
    const terminator = block.terminator;
    if (terminator.kind === 'goto' || terminator.kind === 'leave') {
      if (terminator.kind === 'leave') control.leaveUnit(this, terminator.ptr, terminator.address);
      return;
    }
    let after = 0;
    for (const next of this.flow.succs[index]) after |= this.live.flagsIn[next];
    t.begin(terminator.insn, before, after);
    switch (terminator.kind) {
      case 'cond':
        return;
      case 'ret':
        control.ret(this, terminator.insn);
        return;
      case 'indirect':
        control.indirectJump(this, terminator.insn);
        return;
      case 'trap':
        t.aimAt({ kind: 'trap', insn: terminator.insn });
        t.exit();
        return;
      case 'sync':
        if (terminator.insn.op === 'call') control.call(this, terminator.insn, terminator.to);
        else if (terminator.insn.op === 'calli') control.indirectCall(this, terminator.insn, terminator.to);
        else this.slow(terminator.insn, terminator.to);
    }
  }

  /** Pushes the number of the slot that belongs to an address, to be written there when the unit is compiled for a Cpu. */
  pushSlot(ptr: number): void {
    this.w.byte(Op.i32Const);
    this.slots.push({ offset: this.w.length, ptr });
    this.w.padded(0);
  }

  /** Makes the register file true. */
  flush(): void {
    this.t.flushAll();
    this.storeFuel();
  }

  storeFuel(): void {
    const { w } = this;
    w.i32(0);
    w.get(L.fuel);
    w.memory(Op.i64Store, FUEL);
  }

  storeDepth(): void {
    this.w.i32(0);
    this.w.get(L.depth);
    this.w.memory(Op.i32Store, DEPTH_LEFT);
  }

  /** Reads back what block `to` needs, after something else has run. */
  reload(to: number): void {
    const { w, t } = this;
    w.i32(0);
    w.memory(Op.i64Load, FUEL);
    w.set(L.fuel);
    t.loadRegs(this.live.neededIn[to]);
    t.loadVectors(this.vectorsNeeded(to));
    t.dirty = 0;
  }

  private vectorsNeeded(block: number): number {
    return this.live.vectors?.neededIn[block] ?? 0;
  }

  /** As `reload`, after a call that returned fuel and came back with RSP where it should be. */
  reloadAfterCall(to: number): void {
    this.t.loadRegs(this.live.neededIn[to]);
    this.t.loadVectors(this.vectorsNeeded(to));
    this.t.dirty = 0;
  }

  /** Whether block `to` relies on RSP having come back from a call unchanged. */
  expectsRsp(to: number): boolean {
    return this.plan?.frame !== undefined && this.plan.rspIn[to] !== undefined;
  }

  unwindIf(): void {
    this.w.byte(Op.brIf);
    this.w.u32(this.t.depth - 1);
  }

  unwind(): void {
    this.w.byte(Op.br);
    this.w.u32(this.t.depth - 1);
  }

  private slow(insn: Insn, to: number): void {
    const { w, t } = this;
    control.storeFlagImage(t, t.liveBefore);
    this.flush();
    const site = t.addSite({ kind: 'slow', insn, dirty: 0, flags: undefined });
    this.storeDepth();
    w.i64(EXIT_RESULT);
    w.set(L.returned);
    w.byte(0x23); // global.get: the unit's number
    w.u32(0);
    w.i32(site);
    callService(w, 'slow');
    this.unwindIf();
    this.reload(to);
    if (control.isFlagUser(insn.op)) {
      loadFlags(t, this.live.flagsIn[to]);
      t.flags.restore(undefined);
    }
  }
}

/** Whether a block ends in running other code. */
function callsOut({ terminator }: Block): boolean {
  return terminator.kind === 'sync' || terminator.kind === 'leave' || terminator.kind === 'indirect';
}

/**
 * Fuel charged for each block when it is the header of a loop: instructions whose innermost loop it heads.
 * The last entry is for those outside of all loops, charged on entry.
 */
function loopWeights(graph: Graph, flow: FlowInfo): number[] {
  const count = graph.blocks.length;
  const innermost = innermostLoops(flow);
  const size = (block: number): number => graph.blocks[block].insns.length + 1;
  const weights = new Array<number>(count + 1).fill(0);
  for (let block = 0; block < count; block++)
    weights[innermost[block] < 0 ? count : innermost[block]] += size(block);
  return weights;
}
