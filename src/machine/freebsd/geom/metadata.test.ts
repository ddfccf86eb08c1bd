import { describe, expect, it } from 'vitest';
import { CLASS_TOOLS } from './class-tools.js';
import { encodeMetadata } from './metadata.js';

describe('metadata of components', () => {
  const metadata = { name: 'data', id: 0x01020304, no: 1, all: 2, provider: 'md1', provsize: 0x100000 };
  const textAt = (bytes: Uint8Array, at: number): string =>
    new TextDecoder().decode(bytes.subarray(at, at + 16)).replace(/\0+$/, '');

  it('of a concat stands where its header says', () => {
    const bytes = encodeMetadata(CLASS_TOOLS.concat, metadata, 512);
    const view = new DataView(bytes.buffer);
    expect(bytes.length).toBe(512);
    expect([textAt(bytes, 0), textAt(bytes, 20), textAt(bytes, 44)]).toEqual(['GEOM::CONCAT', 'data', 'md1']);
    expect([view.getUint32(16, true), view.getUint32(36, true)]).toEqual([4, 0x01020304]);
    expect([view.getUint16(40, true), view.getUint16(42, true)]).toEqual([1, 2]);
    expect(view.getBigUint64(60, true)).toBe(0x100000n);
  });

  it('of a stripe has the size of its stripes before the name', () => {
    const bytes = encodeMetadata(CLASS_TOOLS.stripe, { ...metadata, stripesize: 65_536 }, 512);
    const view = new DataView(bytes.buffer);
    expect([textAt(bytes, 0), textAt(bytes, 48)]).toEqual(['GEOM::STRIPE', 'md1']);
    expect([view.getUint32(16, true), view.getUint32(44, true)]).toEqual([3, 65_536]);
    expect(view.getBigUint64(64, true)).toBe(0x100000n);
  });
});
