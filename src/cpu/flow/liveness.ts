import { ARITHMETIC, effectsOf, RSP_BIT } from '../decode/effects.js';
import { type VectorSet, vectorEffects, vectorsNamed } from '../decode/vector-effects.js';
import type { Graph } from './cfg.js';
import type { FlowInfo } from './dominators.js';

export interface Liveness {
  /** Registers whose locals hold newer values than the register file, at block entry. */
  readonly dirtyIn: Int32Array;
  /** Registers whose locals must be valid at block entry. */
  readonly neededIn: Int32Array;
  /** Arithmetic flags that may be read before they are overwritten, at block entry. */
  readonly flagsIn: Int32Array;
  /** For each block, flags live after each of its instructions. */
  readonly flagsAfter: readonly Int32Array[];
  /** Registers that the unit modifies. */
  readonly modified: number;
  /** The same for vector registers; undefined where the unit has no vector instruction. */
  readonly vectors: VectorLiveness | undefined;
}

export interface VectorLiveness {
  readonly dirtyIn: Int32Array;
  readonly neededIn: Int32Array;
  readonly modified: VectorSet;
  /** All that instructions of the unit name. */
  readonly used: VectorSet;
}

/** What blocks do to a set of registers. */
interface Uses {
  readonly written: Int32Array;
  /** Registers read before written. */
  readonly exposed: Int32Array;
}

/**
 * Flags are dead at call and ret, as in every ABI; instructions of the slow path save and restore them.
 */
export function computeLiveness(graph: Graph, flow: FlowInfo): Liveness {
  const count = graph.blocks.length;
  const regs: Uses = { written: new Int32Array(count), exposed: new Int32Array(count) };
  const { written, exposed } = regs;
  const flagsRead = new Int32Array(count);
  const flagsKilled = new Int32Array(count);
  let modified = 0;
  graph.blocks.forEach((block, i) => {
    const t = block.terminator;
    const all = 'insn' in t && t.kind !== 'trap' ? [...block.insns, t.insn] : block.insns;
    for (const insn of all) {
      const effects = effectsOf(insn);
      if (!effects) {
        flagsRead[i] |= slowFlags(insn.op) & ~flagsKilled[i];
        continue;
      }
      exposed[i] |= effects.regsRead & ~written[i];
      written[i] |= effects.regsWritten;
      flagsRead[i] |= effects.flagsRead & ~flagsKilled[i];
      flagsKilled[i] |= effects.flagsWritten;
    }
    // RSP travels in a parameter to the function that a tail jump goes to.
    if (t.kind === 'indirect' || t.kind === 'leave') exposed[i] |= RSP_BIT & ~written[i];
    if (t.kind === 'ret' || t.kind === 'indirect' || t.kind === 'leave') flagsKilled[i] = ARITHMETIC;
    if (t.kind === 'sync' && (t.insn.op === 'call' || t.insn.op === 'calli')) flagsKilled[i] = ARITHMETIC;
    modified |= written[i];
  });

  const dirtyIn = solveDirty(graph, flow, regs);
  const flagsIn = new Int32Array(count);
  for (let changed = true; changed; ) {
    changed = false;
    for (let at = flow.order.length - 1; at >= 0; at--) {
      const i = flow.order[at];
      let flags = 0;
      for (const next of flow.succs[i]) flags |= flagsIn[next];
      flags = flagsRead[i] | (flags & ~flagsKilled[i]);
      if (flags !== flagsIn[i]) {
        flagsIn[i] = flags;
        changed = true;
      }
    }
  }
  return {
    dirtyIn,
    neededIn: solveNeeded(graph, flow, regs, dirtyIn),
    flagsIn,
    flagsAfter: flagsAfterEach(graph, flow, flagsIn),
    modified,
    vectors: vectorLiveness(graph, flow),
  };
}

/** Registers that may differ from the register file at block entry; a `sync` makes that true. */
function solveDirty(graph: Graph, flow: FlowInfo, { written }: Uses): Int32Array {
  const dirtyIn = new Int32Array(written.length);
  for (let changed = true; changed; ) {
    changed = false;
    for (const i of flow.order) {
      if (graph.blocks[i].terminator.kind === 'sync') continue; // clean afterwards
      const out = dirtyIn[i] | written[i];
      for (const next of flow.succs[i])
        if ((dirtyIn[next] | out) !== dirtyIn[next]) {
          dirtyIn[next] |= out;
          changed = true;
        }
    }
  }
  return dirtyIn;
}

function solveNeeded(graph: Graph, flow: FlowInfo, uses: Uses, dirtyIn: Int32Array): Int32Array {
  const { written, exposed } = uses;
  const neededIn = new Int32Array(written.length);
  for (let changed = true; changed; ) {
    changed = false;
    for (let at = flow.order.length - 1; at >= 0; at--) {
      const i = flow.order[at];
      let needed = 0;
      for (const next of flow.succs[i]) needed |= neededIn[next];
      if (graph.blocks[i].terminator.kind === 'sync') needed = 0; // read back afterwards
      needed = exposed[i] | dirtyIn[i] | (needed & ~written[i]);
      if (needed !== neededIn[i]) {
        neededIn[i] = needed;
        changed = true;
      }
    }
  }
  return neededIn;
}

function vectorLiveness(graph: Graph, flow: FlowInfo): VectorLiveness | undefined {
  if (!graph.blocks.some(({ insns }) => insns.some(({ vector }) => vector))) return undefined;
  const count = graph.blocks.length;
  const uses: Uses = { written: new Int32Array(count), exposed: new Int32Array(count) };
  let used = 0;
  let modified = 0;
  graph.blocks.forEach(({ insns }, i) => {
    for (const insn of insns) {
      if (!insn.vector) continue;
      const effects = vectorEffects(insn);
      uses.exposed[i] |= effects.read & ~uses.written[i];
      uses.written[i] |= effects.written;
      used |= vectorsNamed(insn);
      modified |= effects.written;
    }
  });
  const dirtyIn = solveDirty(graph, flow, uses);
  return { dirtyIn, neededIn: solveNeeded(graph, flow, uses, dirtyIn), modified, used };
}

const SLOW_WITHOUT_FLAGS = new Set(
  'movs stos lods ins outs in out cpuid rdmsr wrmsr rdtsc rdtscp xgetbv stgi swapgs movfromcr movtocr cli sti cld std clac stac clts enter xlat pdep pext rdfsbase rdgsbase wrfsbase wrgsbase rdpid movfromseg ldmxcsr stmxcsr'.split(
    ' ',
  ),
);

/** Flags an instruction of the slow path reads, or does not overwrite in every case. */
export const slowFlags = (op: string): number => (SLOW_WITHOUT_FLAGS.has(op) ? 0 : ARITHMETIC);

function flagsAfterEach(graph: Graph, flow: FlowInfo, flagsIn: Int32Array): Int32Array[] {
  return graph.blocks.map((block, i) => {
    let live = 0;
    for (const next of flow.succs[i]) live |= flagsIn[next];
    const t = block.terminator;
    if (t.kind === 'cond') live |= effectsOf(t.insn)?.flagsRead ?? 0;
    else if (t.kind === 'sync')
      live = t.insn.op === 'call' || t.insn.op === 'calli' ? 0 : live | slowFlags(t.insn.op);
    const after = new Int32Array(block.insns.length);
    for (let k = block.insns.length - 1; k >= 0; k--) {
      after[k] = live;
      const effects = effectsOf(block.insns[k]);
      if (effects) live = effects.flagsRead | (live & ~effects.flagsWritten);
    }
    return after;
  });
}
