import { openFreebsdTarget } from './freebsd-open.js';
import type { FreebsdTarget } from './freebsd-target.js';
import { openLinuxTarget } from './linux-open.js';
import type { LinuxTarget } from './linux-target.js';
import type { TargetParts } from './parts.js';
import { TargetError } from './target-error.js';

/** The targets of the systems that modbox has a base kernel for, told apart by `os`. */
export type SystemTarget = LinuxTarget | FreebsdTarget;

/** A target over its parts. Throws TargetError for a system that this modbox does not know. */
export function openTarget(parts: TargetParts): SystemTarget {
  if (parts.info.os === 'linux') return openLinuxTarget(parts);
  if (parts.info.os === 'freebsd') return openFreebsdTarget(parts);
  throw new TargetError(`${parts.info.name}: this modbox knows no system '${parts.info.os}'`);
}

/** The target where it is a Linux kernel's. Throws TargetError where it is another system's: what asks knows Linux only. */
export function linuxTarget(target: SystemTarget): LinuxTarget {
  if (target.os === 'linux') return target;
  throw new TargetError(`${target.name}: not a Linux kernel`);
}
