/**
 * npm run kept
 *
 * Writes src/linux/native/members/kept-members.ts: the members of structs that TypeScript sets, and those that it only reads, as its
 * source names them. `npm run structs` complains where the file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { ROOT, structUses, type Use } from './struct-uses.js';

const FILE = `${ROOT}src/linux/native/members/kept-members.ts`;
/** Methods of StructType that set a member, or give its address to what may. */
const SETS = new Set(['set', 'setBig', 'setText', 'bind', 'addr', 'member', 'offsetOf']);

/** Whether the file says what these uses make of it. */
export function keptMembersAreCurrent(uses: readonly Use[]): boolean {
  return readFileSync(FILE, 'utf8') === textOf(uses);
}

function textOf(uses: readonly Use[]): string {
  const structs = new Map<string, { readonly set: Set<string>; readonly read: Set<string> }>();
  for (const { struct, path, method, file } of uses) {
    if (method === 'has' || method === 'signature' || file.includes('/testing/')) continue;
    let members = structs.get(struct);
    if (!members) {
      members = { set: new Set(), read: new Set() };
      structs.set(struct, members);
    }
    (SETS.has(method) ? members.set : members.read).add(path);
  }
  const line = (name: string): string => {
    const { set, read } = structs.get(name)!;
    const only = [...read].filter((path) => !set.has(path));
    return `  ${name}: ['${[...set].sort().join(' ')}', '${only.sort().join(' ')}'],\n`;
  };
  const lines = [...structs.keys()].sort().map(line).join('');
  return `// Written by npm run kept (scripts/kept-members.ts) from what src/linux names. Nothing here is changed by hand.

/** By struct: members that TypeScript sets (or has the address of), and those that it only reads; paths with spaces between. */
// biome-ignore format: one line for each struct
export const KEPT_MEMBERS: Readonly<Record<string, readonly [set: string, read: string]>> = {
${lines}};
`;
}

if (process.argv[1]?.endsWith('kept-members.ts')) writeFileSync(FILE, textOf(structUses().found));
