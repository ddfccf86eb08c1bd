import type { FlowInfo } from './dominators.js';

/** For each block the header of the innermost loop it belongs to, or -1. Irreducible graphs have no loops. */
export function innermostLoops(flow: FlowInfo): Int32Array {
  const count = flow.preds.length;
  const innermost = new Int32Array(count).fill(-1);
  if (flow.reducible)
    // Inner headers come later in reverse postorder, so they overwrite outer ones.
    for (const header of flow.order) {
      if (!flow.loopHeader[header]) continue;
      const seen = new Uint8Array(count);
      seen[header] = 1;
      const work = flow.preds[header].filter((pred) => flow.rank[pred] >= flow.rank[header]);
      innermost[header] = header;
      for (let at = work.pop(); at !== undefined; at = work.pop()) {
        if (seen[at]) continue;
        seen[at] = 1;
        innermost[at] = header;
        work.push(...flow.preds[at]);
      }
    }
  return innermost;
}
