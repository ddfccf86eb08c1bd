import type { DependencyGraph, EdgeKind, GraphNode } from './dependency-graph.js';

const EDGE_STYLE: Readonly<Record<EdgeKind, string>> = {
  depends: '',
  pre: ' [style=dashed, label="pre"]',
  post: ' [style=dashed, label="post"]',
  weak: ' [style=dotted, label="weak"]',
};

const NODE_STYLE: Readonly<Record<GraphNode['kind'], string>> = {
  module: '',
  builtin: ' [style=filled, fillcolor="#e8e8e8", tooltip="built in"]',
  missing: ' [style=dashed, color="#b00020", tooltip="not in this tree"]',
};

/** A graph in Graphviz's language, for dot(1). */
export function dotText(graph: DependencyGraph): string {
  const nodes = [...graph.nodes.values()].map(({ name, kind }) => {
    const root = graph.roots.includes(name) ? ' [penwidth=2]' : '';
    return `  ${quoted(name)}${NODE_STYLE[kind]}${root};\n`;
  });
  const edges = graph.edges.map(
    ({ from, to, kind }) => `  ${quoted(from)} -> ${quoted(to)}${EDGE_STYLE[kind]};\n`,
  );
  return `digraph modules {\n  node [shape=box, fontname="monospace"];\n${nodes.join('')}${edges.join('')}}\n`;
}

/** A double-quoted string of the language; only the quote and the backslash before it need care. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
