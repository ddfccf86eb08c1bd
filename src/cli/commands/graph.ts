import { parseArgs } from 'node:util';
import { type DependencyGraph, dependencyGraph, GRAPH_TEXTS, UsageError, writeWhole } from '../../tools.js';
import { wholeNumber } from '../numbers.js';
import { openModuleTree, TREE_HELP, TREE_OPTIONS } from '../open-tree.js';
import { complain, print } from '../output.js';

const HELP = `usage: modbox graph [OPTION]... NAME...

Draws what modules need: NAME is a module's name, or an alias such as pci:v00008086d...

  --format F        tree (for the terminal, default), dot (for Graphviz), svg or json
  --json            the same as --format json
  -o, --output FILE write there
  --reverse         draw who needs NAME
  --depth N         at most N steps from NAME
  --no-soft         leave out softdeps and weakdeps
${TREE_HELP}`;

const FORMATS: Readonly<Record<string, (graph: DependencyGraph) => Promise<string>>> = {
  ...GRAPH_TEXTS,
  json: async ({ roots, nodes, edges }) =>
    `${JSON.stringify({ roots, nodes: [...nodes.values()], edges }, null, 2)}\n`,
};

/** `modbox graph`. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...TREE_OPTIONS,
      help: { type: 'boolean', short: 'h' },
      format: { type: 'string' },
      json: { type: 'boolean' },
      output: { type: 'string', short: 'o' },
      reverse: { type: 'boolean' },
      depth: { type: 'string' },
      'no-soft': { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length === 0) throw new UsageError('graph: of which module?');
  const format = values.json ? 'json' : (values.format ?? 'tree');
  if (!Object.hasOwn(FORMATS, format))
    throw new UsageError(`graph: no format ${format}: tree, dot, svg or json`);
  const tree = openModuleTree(values);
  const unknown = positionals.filter((name) => tree.resolve(name).length === 0);
  for (const name of unknown) complain(`graph: module ${name} not found in directory ${tree.directory}`);
  if (unknown.length > 0) return 1;
  const graph = dependencyGraph(tree, positionals, {
    direction: values.reverse ? 'needed-by' : 'needs',
    depth: values.depth === undefined ? Number.POSITIVE_INFINITY : wholeNumber(values.depth, '--depth', 0),
    soft: !values['no-soft'],
  });
  const text = await FORMATS[format](graph);
  if (values.output === undefined) print(text);
  else writeWhole(values.output, text);
  for (const path of graph.missingFiles)
    complain(`graph: ${path}: named by the index, but there is no such file`);
  return graph.missingFiles.length === 0 ? 0 : 1;
}
