import { type Graph, successors } from './cfg.js';

/** Orders and dominators of a graph whose every block is reachable from block 0. */
export interface FlowInfo {
  readonly succs: readonly number[][];
  readonly preds: readonly number[][];
  /** Blocks in reverse postorder, and each block's place in it. */
  readonly order: readonly number[];
  readonly rank: Int32Array;
  readonly idom: Int32Array;
  /** Children in the dominator tree, in increasing rank. */
  readonly children: readonly number[][];
  readonly loopHeader: readonly boolean[];
  /** False when some back edge enters a loop elsewhere than at its header. */
  readonly reducible: boolean;
}

/** Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm" (2001). */
export function analyse(graph: Graph): FlowInfo {
  const count = graph.blocks.length;
  const succs = graph.blocks.map((block) => successors(block.terminator));
  const preds: number[][] = graph.blocks.map(() => []);
  const order = reversePostorder(succs);
  const rank = new Int32Array(count).fill(-1);
  for (let i = 0; i < order.length; i++) rank[order[i]] = i;
  for (const block of order) for (const next of succs[block]) preds[next].push(block);

  const idom = new Int32Array(count).fill(-1);
  idom[0] = 0;
  const meet = (left: number, right: number): number => {
    let a = left;
    let b = right;
    while (a !== b) {
      while (rank[a] > rank[b]) a = idom[a];
      while (rank[b] > rank[a]) b = idom[b];
    }
    return a;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of order) {
      if (block === 0) continue;
      let best = -1;
      for (const pred of preds[block]) if (idom[pred] >= 0) best = best < 0 ? pred : meet(best, pred);
      if (idom[block] !== best) {
        idom[block] = best;
        changed = true;
      }
    }
  }

  const loopHeader = new Array<boolean>(count).fill(false);
  let reducible = true;
  for (const block of order)
    for (const next of succs[block])
      if (rank[next] <= rank[block]) {
        loopHeader[next] = true;
        if (meet(next, block) !== next) reducible = false;
      }
  const children: number[][] = graph.blocks.map(() => []);
  for (const block of order) if (block !== 0) children[idom[block]].push(block);
  return { succs, preds, order, rank, idom, children, loopHeader, reducible };
}

function reversePostorder(succs: readonly number[][]): number[] {
  const seen = new Uint8Array(succs.length);
  const order: number[] = [];
  const stack = [0];
  const next = [0];
  seen[0] = 1;
  while (stack.length > 0) {
    const top = stack.length - 1;
    const block = stack[top];
    if (next[top] < succs[block].length) {
      const to = succs[block][next[top]++];
      if (seen[to]) continue;
      seen[to] = 1;
      stack.push(to);
      next.push(0);
    } else {
      order.push(block);
      stack.pop();
      next.pop();
    }
  }
  return order.reverse();
}
