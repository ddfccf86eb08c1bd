import type { DependencyGraph, GraphEdge } from './dependency-graph.js';

/**
 * A graph as an indented tree, one line a module. What has been shown with its branches is marked `(*)` where
 * it comes again.
 */
export function textTree(graph: DependencyGraph): string {
  return new TextTree(graph).text();
}

class TextTree {
  private readonly branches = new Map<string, { readonly name: string; readonly edge: GraphEdge }[]>();
  private readonly shown = new Set<string>();
  private readonly lines: string[] = [];

  constructor(private readonly graph: DependencyGraph) {
    const reversed = isReversed(graph);
    for (const edge of graph.edges) {
      const [at, name] = reversed ? [edge.to, edge.from] : [edge.from, edge.to];
      const list = this.branches.get(at) ?? [];
      list.push({ name, edge });
      this.branches.set(at, list);
    }
  }

  text(): string {
    for (const root of this.graph.roots) this.show(root, '', '', '');
    return this.lines.map((line) => `${line}\n`).join('');
  }

  private show(name: string, lead: string, below: string, note: string): void {
    const branches = this.branches.get(name) ?? [];
    const again = this.shown.has(name) && branches.length > 0;
    this.lines.push(`${lead}${name}${this.mark(name)}${note}${again ? ' (*)' : ''}`);
    if (again) return;
    this.shown.add(name);
    branches.forEach((branch, i) => {
      const last = i === branches.length - 1;
      const note = branch.edge.kind === 'depends' ? '' : ` (softdep ${branch.edge.kind})`;
      this.show(
        branch.name,
        `${below}${last ? '└── ' : '├── '}`,
        `${below}${last ? '    ' : '│   '}`,
        branch.edge.kind === 'weak' ? ' (weakdep)' : note,
      );
    });
  }

  private mark(name: string): string {
    const kind = this.graph.nodes.get(name)?.kind;
    if (kind === 'builtin') return ' [builtin]';
    return kind === 'missing' ? ' [not in this tree]' : '';
  }
}

/** Whether the edges lead to the roots rather than from them. */
function isReversed({ roots, edges }: DependencyGraph): boolean {
  return edges.length > 0 && roots.includes(edges[0].to) && !roots.includes(edges[0].from);
}
