import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { duplicate } from '../../kobject/names.js';
import { createBinary, removeFile } from '../../kobject/sysfs/files.js';
import { kobjOf } from '../base/device.js';

/** nvmem_device.flags */
const FLAG_COMPAT = 1 << 0;

/**
 * nvmem_sysfs_setup_compat(): the file that programs look for who know nothing of nvmem, `eeprom` or `fram`, in the folder of the
 * device that has the memory. Expects `eeprom.read` and `eeprom.write` to be set. 0, also where the provider asks for none, or -errno.
 */
export function addCompatFile(k: LinuxKernel, nvmem: Ptr, config: Ptr, mode: number): number {
  const from = k.struct('nvmem_config');
  if (from.get(config, 'compat') === 0) return 0;
  const base = from.get(config, 'base_dev');
  if (base === 0) return -EINVAL;
  const type = k.struct('nvmem_device');
  const isFram = type.get(nvmem, 'type') === k.enumValue('NVMEM_TYPE_FRAM');
  type.set(nvmem, 'eeprom.attr.name', duplicate(k, isFram ? 'fram' : 'eeprom'));
  type.set(nvmem, 'eeprom.attr.mode', mode);
  type.set(nvmem, 'eeprom.size', type.get(nvmem, 'size'));
  type.set(nvmem, 'eeprom.private', type.addr(nvmem, 'dev'));
  type.set(nvmem, 'base_dev', base);
  const error = createBinary(k, kobjOf(k, base), type.addr(nvmem, 'eeprom'));
  if (error) return error;
  type.set(nvmem, 'flags', type.get(nvmem, 'flags') | FLAG_COMPAT);
  return 0;
}

/** The file goes before its memory does. */
export function removeCompatFile(k: LinuxKernel, nvmem: Ptr): void {
  const type = k.struct('nvmem_device');
  if ((type.get(nvmem, 'flags') & FLAG_COMPAT) === 0) return;
  removeFile(k, kobjOf(k, type.get(nvmem, 'base_dev')), type.addr(nvmem, 'eeprom'));
}
