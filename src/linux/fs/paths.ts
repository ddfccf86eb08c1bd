import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { OpenFiles } from './open-files.js';

/** Path of a dentry within its file system: up through d_parent. */
export function dentryPath(k: LinuxKernel, dentry: Ptr): string {
  const type = k.struct('dentry');
  const names: string[] = [];
  let at = dentry;
  for (let parent = type.get(at, 'd_parent'); parent !== at; parent = type.get(at, 'd_parent')) {
    names.unshift(k.space.cstring(type.get(at, 'd_name.name')));
    at = parent;
  }
  if (names.length > 0) return `/${names.join('/')}`;
  const name = k.space.cstring(type.get(at, 'd_name.name'));
  return name === '/' ? '/' : `/${name}`;
}

/** Absolute path of an open file. */
export function filePath(k: LinuxKernel, file: Ptr): string {
  return k.get(OpenFiles).of(file)?.path ?? dentryPath(k, k.struct('file').get(file, 'f_path.dentry'));
}
