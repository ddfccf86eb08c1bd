import type { Ptr } from '../../../cpu/layout.js';
import { badPointer, type FormatContext } from './context.js';
import { formatNumber } from './number.js';
import type { Spec } from './spec.js';
import { formatError, formatString, pad } from './text.js';

/** %pd, %pd2 to %pd4: the last components of a dentry's path. */
export function formatDentry(context: FormatContext, ptr: Ptr, spec: Spec, letters: string): string {
  const type = context.struct('dentry');
  const { space } = context;
  const depth = '234'.includes(letters[1] || 'x') ? Number(letters[1]) : 1;
  const names: string[] = [];
  let dentry = ptr;
  while (names.length < depth) {
    const bad = badPointer(space.toAddress(dentry));
    if (bad !== undefined) return formatError(bad, spec);
    const parent = type.get(dentry, 'd_parent');
    if (parent === dentry) {
      names.unshift(names.length > 0 ? '' : type.string(dentry, 'd_name.name'));
      break;
    }
    names.unshift(type.string(dentry, 'd_name.name'));
    dentry = parent;
  }
  const path = names.join('/');
  return pad(spec.precision >= 0 ? path.slice(0, spec.precision) : path, spec);
}

/** %pD: the dentry name of a struct file. */
export function formatFile(context: FormatContext, ptr: Ptr, spec: Spec, letters: string): string {
  return formatDentry(context, context.struct('file').get(ptr, 'f_path.dentry'), spec, letters);
}

/** %pg: a block device, `sda1` or `nvme0n1p2`. */
export function formatBlockDevice(context: FormatContext, ptr: Ptr, spec: Spec): string {
  const device = context.struct('block_device');
  const { space } = context;
  const disk = context.struct('gendisk').addr(device.get(ptr, 'bd_disk'), 'disk_name');
  const name = formatString(context, space.toAddress(disk), spec);
  // From 6.10 on the number is the low byte of the flags (BD_PARTNO).
  const partition = device.has('bd_partno')
    ? device.get(ptr, 'bd_partno')
    : device.get(ptr, '__bd_flags.counter') & 0xff;
  if (partition === 0) return name;
  const separator = /[0-9]$/.test(space.cstring(disk)) ? 'p' : '';
  return name + separator + formatNumber(BigInt(partition), spec);
}

/** %pC: a clock's name. */
export function formatClock(context: FormatContext, ptr: Ptr, spec: Spec): string {
  const core = context.struct('clk').get(ptr, 'core');
  return formatString(context, context.struct('clk_core').getBig(core, 'name'), spec);
}
