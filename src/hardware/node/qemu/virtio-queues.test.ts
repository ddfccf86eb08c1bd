import { describe, expect, it } from 'vitest';
import type { ConfigRegisters } from './config-registers.js';
import { VirtioQueues } from './virtio-queues.js';

const COMMON_AT = 0x40;
const MEMORY = 0x10_0000;

/** A virtio device with its common configuration at the beginning of BAR 4. */
function device(vendor = 0x1af4) {
  const config = new Map([
    [0, vendor],
    [2, 0x1041],
    [0x34, COMMON_AT],
    [COMMON_AT, 0x09],
    [COMMON_AT + 1, 0],
    [COMMON_AT + 3, 1],
    [COMMON_AT + 4, 4],
    [COMMON_AT + 8, 0],
  ]);
  const registers = { access: { read: (where: number) => config.get(where) ?? 0, write: () => {} } };
  const queues = VirtioQueues.of(registers as unknown as ConfigRegisters);
  const bar = queues?.watch(4, { read: () => 4n, write: () => {} });
  return { queues, bar };
}

describe('the queues of a virtio device', () => {
  it('are no business of other devices', () => {
    expect(device(0x8086).queues).toBeUndefined();
  });

  it('say what memory the device has: rings, and buffers until it gives them back', () => {
    const { queues, bar } = device();
    const memory = new Uint8Array(MEMORY);
    const view = new DataView(memory.buffer);
    // Both queues are described before either is enabled, as Linux does it.
    for (const queue of [0, 1]) {
      bar?.write(0x16, 2, BigInt(queue));
      [0x20, 0x28, 0x30].forEach((register, i) => {
        bar?.write(register, 4, BigInt(0x1_0000 * (queue + 1) + 0x1000 * i));
      });
    }
    for (const queue of [0, 1]) {
      bar?.write(0x16, 2, BigInt(queue));
      bar?.write(0x1c, 2, 1n);
    }
    const parts = (): string[] =>
      [...(queues?.parts(memory) ?? [])]
        .map(({ address, size }) => `${address.toString(16)}+${size}`)
        .filter((text) => !text.startsWith('2'));
    const rings = ['10000+64', '11000+14', '12000+38'];
    expect(parts()).toEqual(rings);
    // Descriptor 2: 100 bytes, and descriptor 3 behind it.
    view.setBigUint64(0x1_0020, 0x8_0000n, true);
    view.setUint32(0x1_0028, 100, true);
    view.setUint16(0x1_002c, 1, true);
    view.setUint16(0x1_002e, 3, true);
    view.setBigUint64(0x1_0030, 0x9_0000n, true);
    view.setUint32(0x1_0038, 50, true);
    view.setUint16(0x1_1004, 2, true);
    view.setUint16(0x1_1002, 1, true);
    expect(parts()).toEqual([...rings, '80000+100', '90000+50']);
    view.setUint32(0x1_2004, 2, true);
    view.setUint16(0x1_2002, 1, true);
    expect(parts()).toEqual(rings);
    bar?.write(0x14, 1, 0n);
    expect(parts()).toEqual([]);
  });
});
