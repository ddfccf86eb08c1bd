import { type FileSource, infoOf } from '../files/file-source.js';
import { type PathNode, resolveInRoot } from '../files/resolve-path.js';
import type { Steps } from './host.js';
import type { CallResult, KldSysctl } from './kernel.js';

/** The sysctl that has the directories in which the kernel looks for modules, with ';' between them. */
export const MODULE_PATH = 'kern.module_path';

const ROOT: PathNode = { kind: 'directory' };
const decoder = new TextDecoder();

/** realpath(3) of an absolute path: without links; undefined where it leads nowhere. */
export function realPath(files: FileSource, path: string): string | undefined {
  const found = resolveInRoot(path, (at): PathNode | undefined => infoOf(files, at), ROOT);
  return found.kind === 'found' ? found.path : undefined;
}

/** The value of a sysctl that is a string, up to its NUL. */
export function* readString<Wait>(
  sysctl: KldSysctl<Wait>,
  oid: readonly number[],
): Steps<Wait, CallResult<string>> {
  const result = yield* sysctl.read(oid);
  if ('errno' in result) return result;
  const end = result.value.indexOf(0);
  return { value: decoder.decode(end < 0 ? result.value : result.value.subarray(0, end)) };
}
