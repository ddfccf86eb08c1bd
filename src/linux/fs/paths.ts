import type { Ptr } from '../../cpu/layout.js';
import { PATH_MAX } from '../../files/limits.js';
import type { LinuxKernel } from '../kernel.js';
import { OpenFiles } from './open-files.js';

/** Bytes of a name that are looked at. */
const NAME_BYTES = PATH_MAX;

/** Path of a dentry within its file system: up through d_parent. */
export function dentryPath(k: LinuxKernel, dentry: Ptr): string {
  const type = k.struct('dentry');
  const name = (of: Ptr): string => k.space.cstring(type.get(of, 'd_name.name'), NAME_BYTES);
  const names: string[] = [];
  let length = 0;
  let at = dentry;
  for (let parent = type.get(at, 'd_parent'); parent !== at; parent = type.get(at, 'd_parent')) {
    names.push(name(at));
    length += names[names.length - 1].length + 1;
    if (length > PATH_MAX) break;
    at = parent;
  }
  if (names.length > 0) return `/${names.reverse().join('/')}`;
  return name(at) === '/' ? '/' : `/${name(at)}`;
}

/** Absolute path of an open file. */
export function filePath(k: LinuxKernel, file: Ptr): string {
  return k.get(OpenFiles).of(file)?.path ?? dentryPath(k, k.struct('file').get(file, 'f_path.dentry'));
}
