/**
 * npm run structs
 *
 * Every member that src/linux names, `k.struct('device').get(dev, 'kobj.name')`, against the types of the kernels at hand. A member
 * that one of them lacks is all right in a file that asks for members of the struct (`has`), or says why it need not
 * (`// structs: shrinker.refcount ...`); one that none of them has is wrong.
 * Structs that a kernel lacks altogether belong to what it has not.
 */
import { readFileSync } from 'node:fs';
import { knownTargets } from '../src/testing/targets.js';
import { keptMembersAreCurrent } from './kept-members.js';
import { ROOT, structUses, type Use } from './struct-uses.js';

const { found, dynamic } = structUses();
const types = new Map((await knownTargets()).map((target) => [target.release, target.types]));
const asked = new Set(
  found.filter(({ method }) => method === 'has').map(({ file, struct }) => `${file} ${struct}`),
);
const isAsked = ({ file, struct, path }: Use): boolean =>
  asked.has(`${file} ${struct}`) ||
  readFileSync(ROOT + file, 'utf8').includes(`// structs: ${struct}.${path} `);
let wrong = 0;
for (const use of found) {
  if (use.method === 'has' || use.oneOfMany) continue;
  const having = [...types].filter(([, btf]) => btf.findType(use.struct) !== undefined);
  const lacking = having.filter(([, btf]) => btf.findField(use.struct, use.path) === undefined);
  const known = lacking.length < having.length;
  if (lacking.length === 0 || isAsked(use)) continue;
  wrong++;
  const where = known ? `not in ${lacking.map(([release]) => release).join(' ')}` : 'in no kernel';
  console.log(
    `${use.file}:${use.line}: ${use.struct}.${use.path}: ${where}${known ? ', and never asked for' : ''}`,
  );
}
console.log(
  `${found.length} members of ${new Set(found.map(({ struct }) => struct)).size} structs in ${types.size} kernels, ${dynamic} named at run time: ${wrong} wrong`,
);
if (!keptMembersAreCurrent(found)) {
  console.log('src/linux/native/members/kept-members.ts is out of date: npm run kept');
  wrong++;
}
process.exit(wrong === 0 ? 0 : 1);
