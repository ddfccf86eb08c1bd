import { expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { SysfsBinary } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { guest } from '../../testing/guest.js';
import { kobjOf } from '../base/device.js';

const SIZE = 256;
const { k, call, struct, run, reports } = guest();

/** A provider's nvmem_config: its words are its addresses. */
function configOf(members: Readonly<Record<string, number>>): Ptr {
  const config = struct.nvmem_config!({
    size: SIZE,
    word_size: 1,
    stride: 1,
    read_only: 1,
    id: -1,
    ...members,
  });
  const read = (_priv: Ptr, offset: number, to: Ptr, bytes: number): number => {
    for (let i = 0; i < bytes; i++) k.space.bytes[to + i] = offset + i;
    return 0;
  };
  k.struct('nvmem_config').bind(config, 'reg_read', 'reads_addresses', read);
  return config;
}

function rootDevice(name: string): Ptr {
  const text = k.permanent(name.length + 1);
  k.space.storeCstring(text, name);
  return call.__root_device_register!(text, 0);
}

it('a memory with a compat file has its content in its device’s folder too, as long as it is registered', () => {
  const dev = rootDevice('at24-like');
  const nvmem = call.nvmem_register!(configOf({ dev, base_dev: dev, compat: 1 }));
  const folder = k.get(Sysfs).directoryOf(kobjOf(k, dev))!;
  const file = folder.children.get('eeprom') as SysfsBinary;
  expect(file).toBeInstanceOf(SysfsBinary);
  expect([file.mode.toString(8), file.size]).toEqual(['444', SIZE]);
  expect(run(() => k.get(Sysfs).readBinary(file, 250, 16))).toEqual(
    new Uint8Array([250, 251, 252, 253, 254, 255]),
  );
  expect(k.struct('nvmem_device').get(nvmem, 'flags')).toBe(1);
  call.nvmem_unregister!(nvmem);
  expect(folder.children.has('eeprom')).toBe(false);
  expect(reports()).toEqual([]);
});

it('that of a ferroelectric memory has another name', () => {
  const dev = rootDevice('fram-like');
  const type = k.enumValue('NVMEM_TYPE_FRAM');
  const nvmem = call.nvmem_register!(configOf({ dev, base_dev: dev, compat: 1, type }));
  expect([...k.get(Sysfs).directoryOf(kobjOf(k, dev))!.children.keys()]).toContain('fram');
  call.nvmem_unregister!(nvmem);
});

it('without a device for the file the memory is refused, and nothing of it stays', () => {
  const dev = rootDevice('homeless');
  const EINVAL = 22;
  expect(
    Number(BigInt.asIntN(64, k.space.toAddress(call.nvmem_register!(configOf({ dev, compat: 1 }))))),
  ).toBe(-EINVAL);
  expect(reports()).toEqual([]);
});
