import { modinfoOf } from '../index/read-module.js';
import type { ModuleTree, Resolved } from '../module-tree.js';
import { normalizeName } from '../names.js';

/**
 * Why one module wants another: `depends` is a symbol it uses, the others are softdep and weakdep lines of
 * modprobe.d(5), of modules themselves or of the configuration.
 */
export type EdgeKind = 'depends' | 'pre' | 'post' | 'weak';

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
}

export interface GraphNode {
  readonly name: string;
  /** Below lib/modules/RELEASE; undefined for a module that is built in or not there. */
  readonly path: string | undefined;
  readonly kind: 'module' | 'builtin' | 'missing';
}

export interface DependencyGraph {
  /** Names that were asked for. */
  readonly roots: readonly string[];
  /** By name, in the order in which they were found. */
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly edges: readonly GraphEdge[];
  /** Files of modules that the index names and the tree does not have; what those need is taken from the index. */
  readonly missingFiles: readonly string[];
}

export interface GraphOptions {
  /** `needs`: what the roots need. `needed-by`: the modules that need them. */
  readonly direction?: 'needs' | 'needed-by';
  /** How many edges to go from a root; without end by default. */
  readonly depth?: number;
  /** Softdeps and weakdeps too; true by default. */
  readonly soft?: boolean;
}

/** The graph of the modules that `names` (or aliases) stand for. Names that stand for nothing are left out. */
export function dependencyGraph(
  tree: ModuleTree,
  names: readonly string[],
  options: GraphOptions = {},
): DependencyGraph {
  return new GraphBuilder(tree, options).build(names.flatMap((name) => tree.resolve(name)));
}

class GraphBuilder {
  private readonly nodes = new Map<string, GraphNode>();
  private readonly edges: GraphEdge[] = [];
  private readonly missingFiles = new Set<string>();
  private readonly outgoing = new Map<string, readonly GraphEdge[]>();

  constructor(
    private readonly tree: ModuleTree,
    private readonly options: GraphOptions,
  ) {}

  build(wanted: readonly Resolved[]): DependencyGraph {
    const roots = [...new Set(wanted.map(({ name }) => name))];
    for (const root of roots) this.addNode(root);
    let border = roots;
    const { depth = Number.POSITIVE_INFINITY, direction = 'needs' } = this.options;
    for (let level = 0; level < depth && border.length > 0; level++) {
      const edges = border.flatMap((name) =>
        direction === 'needs' ? this.edgesFrom(name) : this.edgesTo(name),
      );
      this.edges.push(...edges);
      const reached = edges.map((edge) => (direction === 'needs' ? edge.to : edge.from));
      border = [...new Set(reached)].filter((name) => this.addNode(name));
    }
    return { roots, nodes: this.nodes, edges: this.edges, missingFiles: [...this.missingFiles] };
  }

  /** False where the node is there already. */
  private addNode(name: string): boolean {
    if (this.nodes.has(name)) return false;
    const { module, builtin } = this.tree.named(name);
    const kind = module ? 'module' : builtin ? 'builtin' : 'missing';
    this.nodes.set(name, { name, path: module?.path, kind });
    return true;
  }

  private edgesFrom(name: string): readonly GraphEdge[] {
    let edges = this.outgoing.get(name);
    if (!edges) {
      edges = unique([...this.hardEdges(name), ...this.softEdges(name)]);
      this.outgoing.set(name, edges);
    }
    return edges;
  }

  /** Whoever has a module in its closure may have an edge to it. */
  private edgesTo(name: string): readonly GraphEdge[] {
    const { index } = this.tree;
    const users = index.names().filter((user) => index.module(user)?.dependencies.includes(name));
    const { softDependencies, weakDependencies } = this.tree.config;
    const softUsers = this.options.soft === false ? [] : [...softDependencies, ...weakDependencies];
    const candidates = new Set([...users, ...softUsers.map(({ module }) => module)]);
    return [...candidates].flatMap((user) => this.edgesFrom(user)).filter((edge) => edge.to === name);
  }

  private hardEdges(name: string): GraphEdge[] {
    const { module } = this.tree.named(name);
    const bytes = module && this.tree.read(module);
    if (!module) return [];
    if (!bytes) {
      this.missingFiles.add(this.tree.pathOf(module));
      return module.dependencies.map((to) => ({ from: name, to, kind: 'depends' }));
    }
    const depends = modinfoOf(bytes, this.tree.pathOf(module)).all('depends');
    return depends
      .flatMap((list) => list.split(','))
      .filter((dependency) => dependency !== '')
      .map((dependency) => ({ from: name, to: normalizeName(dependency), kind: 'depends' }));
  }

  private softEdges(name: string): GraphEdge[] {
    if (this.options.soft === false) return [];
    const soft = this.tree.softDependency(name);
    const edges = (kind: EdgeKind, texts: readonly string[]): GraphEdge[] =>
      texts.flatMap((text) => this.targetsOf(text)).map((to) => ({ from: name, to, kind }));
    const weak = this.tree.weakDependency(name)?.weak ?? [];
    return [...edges('pre', soft?.pre ?? []), ...edges('post', soft?.post ?? []), ...edges('weak', weak)];
  }

  /** A softdep may name an alias, or something that this tree does not have. */
  private targetsOf(text: string): string[] {
    const found = this.tree.resolve(text);
    return found.length > 0 ? found.map(({ name }) => name) : [normalizeName(text)];
  }
}

function unique(edges: readonly GraphEdge[]): GraphEdge[] {
  const seen = new Set<string>();
  return edges.filter(({ to, kind, from }) => {
    const key = `${kind} ${to}`;
    if (to === from || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
