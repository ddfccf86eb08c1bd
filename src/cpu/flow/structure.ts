import { Op } from '../wasm/op.js';
import type { Graph } from './cfg.js';
import type { FlowInfo } from './dominators.js';

/** Receives structured control flow. Labels are the nesting depth at which a construct was opened. */
export interface FlowSink {
  readonly depth: number;
  open(opcode: number): void;
  close(): void;
  branch(label: number, conditional: boolean): void;
  /** Emits a block's instructions, and its end if it has no successors. */
  block(index: number): void;
  condition(index: number): void;
  /** Emitted before each branch to a block that comes earlier. */
  backEdge(from: number, to: number, weight?: number): void;
  charge(weight: number): void;
  setState(block: number): void;
  table(labels: number[], fallback: number): void;
}

/** More nesting than this would strain recursive algorithms, ours and the WebAssembly engine's. */
const MAX_STRUCTURED_BLOCKS = 1500;

/**
 * Turns a control-flow graph into blocks, loops and branches, following the dominator tree (Ramsey, "Beyond
 * Relooper", ICFP 2022). Irreducible and very large graphs become a loop round a branch table.
 */
export function emitStructured(graph: Graph, flow: FlowInfo, sink: FlowSink): void {
  if (!flow.reducible || graph.blocks.length > MAX_STRUCTURED_BLOCKS) emitDispatch(graph, flow, sink);
  else new Structurer(graph, flow, sink).tree(0);
}

class Structurer {
  private readonly loopLabel: number[] = [];
  private readonly blockLabel: number[] = [];
  private readonly merge: boolean[];

  constructor(
    private readonly graph: Graph,
    private readonly flow: FlowInfo,
    private readonly sink: FlowSink,
  ) {
    const { rank, preds } = flow;
    this.merge = graph.blocks.map((_, i) => preds[i].filter((pred) => rank[pred] < rank[i]).length > 1);
  }

  /** A block and all that it dominates. */
  tree(index: number): void {
    const { sink, flow } = this;
    const loop = flow.loopHeader[index];
    if (loop) {
      this.loopLabel[index] = sink.depth;
      sink.open(Op.loop);
    }
    const merges = flow.children[index].filter((child) => this.merge[child]);
    for (let i = merges.length - 1; i >= 0; i--) {
      this.blockLabel[merges[i]] = sink.depth;
      sink.open(Op.block);
    }
    this.node(index);
    for (const child of merges) {
      sink.close();
      this.tree(child);
    }
    if (loop) sink.close();
  }

  private node(index: number): void {
    const { sink } = this;
    sink.block(index);
    const terminator = this.graph.blocks[index].terminator;
    if (terminator.kind === 'goto') this.branch(index, terminator.to);
    else if (terminator.kind === 'sync' && terminator.to >= 0) this.branch(index, terminator.to);
    else if (terminator.kind === 'cond') {
      sink.condition(index);
      if (this.merge[terminator.taken] && this.forward(index, terminator.taken))
        sink.branch(this.blockLabel[terminator.taken], true);
      else {
        sink.open(Op.if);
        this.branch(index, terminator.taken);
        sink.close();
      }
      this.branch(index, terminator.fall);
    }
  }

  private forward(from: number, to: number): boolean {
    return this.flow.rank[to] > this.flow.rank[from];
  }

  private branch(from: number, to: number): void {
    const { sink } = this;
    if (!this.forward(from, to)) {
      sink.backEdge(from, to);
      sink.branch(this.loopLabel[to], false);
    } else if (this.merge[to]) sink.branch(this.blockLabel[to], false);
    else this.tree(to);
  }
}

function emitDispatch(graph: Graph, flow: FlowInfo, sink: FlowSink): void {
  const { order, rank } = flow;
  sink.setState(rank[0]);
  const loop = sink.depth;
  sink.open(Op.loop);
  const labels: number[] = [];
  for (let i = order.length - 1; i >= 0; i--) {
    labels[i] = sink.depth;
    sink.open(Op.block);
  }
  sink.table(labels, labels[0]);
  for (const index of order) {
    sink.close();
    sink.block(index);
    const weight = graph.blocks[index].insns.length + 1;
    const go = (to: number): void => {
      if (rank[to] <= rank[index]) sink.backEdge(index, to, weight);
      else sink.charge(weight);
      sink.setState(rank[to]);
      sink.branch(loop, false);
    };
    const terminator = graph.blocks[index].terminator;
    if (terminator.kind === 'goto') go(terminator.to);
    else if (terminator.kind === 'sync' && terminator.to >= 0) go(terminator.to);
    else if (terminator.kind === 'cond') {
      sink.condition(index);
      sink.open(Op.if);
      go(terminator.taken);
      sink.close();
      go(terminator.fall);
    }
  }
  sink.close();
}
