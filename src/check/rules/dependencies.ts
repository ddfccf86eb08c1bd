import type { Reason } from '../reason.js';
import type { Case } from './rule.js';
import { isTogether } from './symbols.js';

/** The modules whose symbols it uses have to load before it. */
export function* checkDependencies({ needs, kernel, verdictOf }: Case): Generator<Reason> {
  const seen = new Set<string>();
  for (const { provided } of needs) {
    const name = provided?.module?.name;
    if (!provided || name === undefined || seen.has(name)) continue;
    seen.add(name);
    if (isTogether(provided)) {
      const verdict = verdictOf(provided.together);
      if (verdict && !verdict.loads) yield refused(name, `it needs ${name}, which does not load here either`);
    } else if (kernel.blacklist.includes(name))
      yield refused(name, `it needs ${name}, which the boot parameter module_blacklist has`);
  }
}

/** Its symbols are unknown then. */
function refused(module: string, text: string): Reason {
  return { kind: 'dependency', module, effect: 'refused', errno: 'ENOENT', text };
}
