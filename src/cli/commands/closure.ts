import { parseArgs } from 'node:util';
import { type Closure, closureOf, type ModuleTree, UsageError, writeImage } from '../../tools.js';
import { openModuleTree, TREE_HELP, TREE_OPTIONS } from '../open-tree.js';
import { complain, print } from '../output.js';

const HELP = `usage: modbox closure NAME... --out DIR

Copies the modules NAME (names, or aliases such as pci:v00008086d...) with everything that modprobe would load for them, what
weakdep lines say may follow, and their firmware, to DIR/lib/modules/RELEASE and DIR/lib/firmware, and indexes the
result: ready to boot from. Without --out it lists what it would copy.

  -o, --out DIR     where to; DIR/lib/modules/RELEASE must not be there yet
  --add             it may be there: add to it, and index it all again
  --config          copy modprobe.d too
  --json            what was copied, as one JSON object
${TREE_HELP}`;

/** `modbox closure`. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...TREE_OPTIONS,
      help: { type: 'boolean', short: 'h' },
      out: { type: 'string', short: 'o' },
      add: { type: 'boolean' },
      config: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length === 0) throw new UsageError('closure: of which modules?');
  const tree = openModuleTree(values);
  const closure = closureOf(tree, positionals);
  for (const name of closure.unknown)
    complain(`closure: module ${name} not found in directory ${tree.directory}`);
  for (const path of closure.missingFiles)
    complain(`closure: ${path}: named by the index, but there is no such file`);
  if (closure.unknown.length > 0 || closure.missingFiles.length > 0) return 1;
  for (const line of missingFirmwareLines(closure)) complain(`closure: ${line}`);
  if (values.out !== undefined)
    writeImage(tree, closure, values.out, { add: values.add ?? false, config: values.config ?? false });
  print(values.json ? jsonText(closure) : listText(tree, closure));
  return 0;
}

/** One line a module, however much firmware it names: some name a hundred files for as many devices. */
function missingFirmwareLines({ missingFirmware }: Closure): string[] {
  const byModule = new Map<string, string[]>();
  for (const { name, module } of missingFirmware)
    byModule.set(module, [...(byModule.get(module) ?? []), name]);
  return [...byModule].map(([module, names]) => {
    const more = names.length > FIRMWARE_SHOWN ? ` and ${names.length - FIRMWARE_SHOWN} more (--json)` : '';
    return `possible missing firmware for module ${module}: ${names.slice(0, FIRMWARE_SHOWN).join(', ')}${more}`;
  });
}

const FIRMWARE_SHOWN = 3;

function listText(tree: ModuleTree, { modules, firmware, builtin }: Closure): string {
  const lines = [
    ...modules.map((module) => tree.pathOf(module)),
    ...firmware.map(({ path }) => path.slice(tree.rootDirectory.length)),
    ...builtin.map((name) => `builtin ${name}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function jsonText({ modules, builtin, firmware, missingFirmware }: Closure): string {
  const text = {
    modules: modules.map(({ name, path, dependencies }) => ({ name, path, dependencies })),
    builtin,
    firmware: firmware.map(({ name, path, link }) => ({ name, path, link: link ?? null })),
    missingFirmware,
  };
  return `${JSON.stringify(text, null, 2)}\n`;
}
