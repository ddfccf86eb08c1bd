import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CORPUS_RELEASE, corpusTree } from '../../testing/corpus.js';
import { MemoryFiles, ModuleTree } from '../index.js';
import { DiskFiles } from '../node/disk-files.js';
import { dependencyGraph } from './dependency-graph.js';
import { dotText } from './dot.js';
import { svgText } from './svg.js';
import { textTree } from './text-tree.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const DIR = '/lib/modules/test';
const module = (name: string): Uint8Array => readFileSync(`${MODULES}${name}.ko`);

function ownTree(config = ''): ModuleTree {
  const files = new MemoryFiles([
    [`${DIR}/extra/exporter.ko`, module('exporter')],
    [`${DIR}/extra/importer.ko`, module('importer')],
    [`${DIR}/extra/hello.ko`, module('hello')],
    [`${DIR}/modules.builtin`, 'kernel/drivers/inside.ko\n'],
    ['/etc/modprobe.d/test.conf', config],
  ]);
  return new ModuleTree(files, { release: 'test' });
}

const SOFT = 'softdep importer pre: hello inside post: nowhere\nsoftdep hello post: importer\n';
const edgesOf = (tree: ModuleTree, name: string, options = {}): string[] =>
  dependencyGraph(tree, [name], options).edges.map(({ from, to, kind }) => `${from} ${kind} ${to}`);

describe('the graph of modules', () => {
  it('has what a module uses', () => {
    expect(edgesOf(ownTree(), 'importer')).toEqual(['importer depends exporter']);
  });

  it('has soft dependencies, with what is built in or not there', () => {
    const tree = ownTree(SOFT);
    expect(edgesOf(tree, 'importer')).toEqual([
      'importer depends exporter',
      'importer pre hello',
      'importer pre inside',
      'importer post nowhere',
      'hello post importer',
    ]);
    const { nodes } = dependencyGraph(tree, ['importer']);
    expect([...nodes.values()].map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'importer module',
      'exporter module',
      'hello module',
      'inside builtin',
      'nowhere missing',
    ]);
    expect(edgesOf(tree, 'importer', { soft: false })).toEqual(['importer depends exporter']);
  });

  it('turned round has the users', () => {
    const tree = ownTree(SOFT);
    expect(edgesOf(tree, 'exporter', { direction: 'needed-by', depth: 1 })).toEqual([
      'importer depends exporter',
    ]);
    expect(edgesOf(tree, 'hello', { direction: 'needed-by', depth: 1 })).toEqual(['importer pre hello']);
  });

  it('ends at a depth', () => {
    expect(edgesOf(ownTree(SOFT), 'importer', { depth: 0 })).toEqual([]);
    expect(edgesOf(ownTree(SOFT), 'importer', { depth: 1 })).toHaveLength(4);
  });

  it('has direct edges only, where the index holds closures', async ({ skip }) => {
    const root = await corpusTree();
    if (root === undefined) return skip();
    const tree = new ModuleTree(new DiskFiles(root), { release: CORPUS_RELEASE });
    expect(edgesOf(tree, 'snd-timer')).toEqual(['snd_timer depends snd', 'snd depends soundcore']);
  });
});

describe('a graph drawn', () => {
  const graph = dependencyGraph(ownTree(SOFT), ['importer']);

  it('as a tree shows each branch once', () => {
    expect(textTree(graph)).toBe(
      `importer
├── exporter
├── hello (softdep pre)
│   └── importer (softdep post) (*)
├── inside [builtin] (softdep pre)
└── nowhere [not in this tree] (softdep post)
`,
    );
  });

  it('as a tree of users starts at what is used', () => {
    const users = dependencyGraph(ownTree(), ['exporter'], { direction: 'needed-by' });
    expect(textTree(users)).toBe('exporter\n└── importer\n');
  });

  it('for Graphviz quotes names', () => {
    expect(dotText(graph)).toContain('  "importer" -> "exporter";\n');
    expect(dotText(graph)).toContain('  "importer" -> "hello" [style=dashed, label="pre"];\n');
    expect(
      dotText({ roots: [], edges: [], missingFiles: [], nodes: new Map([['a"b\\', node('a"b\\')]]) }),
    ).toContain('"a\\"b\\\\"');
  });

  it('as SVG places every module inside the picture, none over another', () => {
    const svg = svgText(graph);
    const size = /<svg [^>]*width="([\d.]+)" height="([\d.]+)"/.exec(svg)!;
    const boxes = [
      ...svg.matchAll(/<rect x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"/g),
    ].map((match) => match.slice(1).map(Number));
    expect(boxes).toHaveLength(graph.nodes.size);
    for (const [x, y, width, height] of boxes) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(x + width).toBeLessThanOrEqual(Number(size[1]));
      expect(y + height).toBeLessThanOrEqual(Number(size[2]));
    }
    const overlaps = boxes.filter(([x, y, w, h], i) =>
      boxes.some(([a, b, c, d], j) => j > i && x < a + c && a < x + w && y < b + d && b < y + h),
    );
    expect(overlaps).toEqual([]);
    expect(svg.match(/<path /g)).toHaveLength(graph.edges.length);
  });

  it('as SVG escapes names', () => {
    expect(
      svgText({ roots: [], edges: [], missingFiles: [], nodes: new Map([['<b>', node('<b>')]]) }),
    ).not.toContain('<b>');
  });
});

function node(name: string) {
  return { name, path: undefined, kind: 'missing' as const };
}
