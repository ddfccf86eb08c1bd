import { Graph, layout } from '@dagrejs/dagre';
import type { DependencyGraph, EdgeKind, GraphNode } from './dependency-graph.js';

/** Of the monospace font at its size, in pixels. */
const LETTER_WIDTH = 7.3;
const FONT_SIZE = 12;
const NODE_HEIGHT = 26;
const PADDING = 10;
const MARGIN = 12;

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Route {
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const STYLE = `
  .module rect { fill: #ffffff; stroke: #4a5568; }
  .root rect { stroke: #1a56db; stroke-width: 2.5; }
  .builtin rect { fill: #e8e8e8; }
  .missing rect { stroke: #b00020; stroke-dasharray: 4 3; }
  text { font: ${FONT_SIZE}px monospace; fill: #1a202c; text-anchor: middle; }
  path { fill: none; stroke: #4a5568; }
  .pre, .post { stroke-dasharray: 5 4; }
  .weak { stroke-dasharray: 2 3; }
`;

/** A graph as a picture: a whole SVG document. */
export function svgText(graph: DependencyGraph): string {
  const placed = place(graph);
  const { width = 0, height = 0 } = placed.graph() as { width?: number; height?: number };
  const edges = graph.edges.map((edge) => {
    const route = placed.edge(edge.from, edge.to, edge.kind) as unknown as Route;
    return drawEdge(route, edge.kind, `${edge.from} ${LABEL[edge.kind]} ${edge.to}`);
  });
  const nodes = [...graph.nodes.values()].map((node) =>
    drawNode(node, placed.node(node.name) as unknown as Placed, graph.roots.includes(node.name)),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${px(width)}" height="${px(height)}" viewBox="0 0 ${px(width)} ${px(height)}" role="img">`,
    `<title>${escaped(`Module dependencies of ${graph.roots.join(', ')}`)}</title>`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">' +
      '<polygon points="0 0, 8 4, 0 8" fill="#4a5568"/></marker></defs>',
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    ...edges,
    ...nodes,
    '</svg>\n',
  ].join('\n');
}

const LABEL: Readonly<Record<EdgeKind, string>> = {
  depends: 'depends on',
  pre: 'has softdep pre:',
  post: 'has softdep post:',
  weak: 'has weakdep',
};

function place(graph: DependencyGraph): Graph {
  const canvas = new Graph({ directed: true, multigraph: true });
  canvas.setGraph({ rankdir: 'TB', nodesep: 18, ranksep: 42, marginx: MARGIN, marginy: MARGIN });
  canvas.setDefaultEdgeLabel(() => ({}));
  for (const { name } of graph.nodes.values())
    canvas.setNode(name, { width: name.length * LETTER_WIDTH + 2 * PADDING, height: NODE_HEIGHT });
  for (const { from, to, kind } of graph.edges) canvas.setEdge(from, to, {}, kind);
  layout(canvas);
  return canvas;
}

function drawNode({ name, kind, path }: GraphNode, at: Placed, root: boolean): string {
  const classes = ['module', ...(kind === 'module' ? [] : [kind]), ...(root ? ['root'] : [])].join(' ');
  const tip = path ?? (kind === 'builtin' ? 'built in' : 'not in this tree');
  const left = px(at.x - at.width / 2);
  const top = px(at.y - at.height / 2);
  return (
    `<g class="${classes}"><title>${escaped(tip)}</title>` +
    `<rect x="${left}" y="${top}" width="${px(at.width)}" height="${px(at.height)}" rx="4"/>` +
    `<text x="${px(at.x)}" y="${px(at.y)}" dy="0.35em">${escaped(name)}</text></g>`
  );
}

function drawEdge({ points }: Route, kind: EdgeKind, tip: string): string {
  const line = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${px(x)},${px(y)}`).join(' ');
  return `<path class="${kind}" d="${line}" marker-end="url(#arrow)"><title>${escaped(tip)}</title></path>`;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
