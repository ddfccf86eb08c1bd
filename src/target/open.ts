import { openLinuxTarget } from './linux-open.js';
import type { LinuxTarget } from './linux-target.js';
import type { TargetParts } from './parts.js';
import { TargetError } from './target-error.js';

/** The targets of the systems that modbox has a base kernel for, told apart by `os`. */
export type SystemTarget = LinuxTarget;

/** A target over its parts. Throws TargetError for a system that this modbox does not know. */
export function openTarget(parts: TargetParts): SystemTarget {
  if (parts.info.os === 'linux') return openLinuxTarget(parts);
  throw new TargetError(`${parts.info.name}: this modbox knows no system '${parts.info.os}'`);
}
