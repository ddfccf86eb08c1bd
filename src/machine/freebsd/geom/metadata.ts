import type { ClassTool } from './class-tools.js';

/** What stands in the last sector of a component of a concat or a stripe (struct g_concat_metadata, struct g_stripe_metadata). */
export interface Metadata {
  readonly name: string;
  readonly id: number;
  readonly no: number;
  readonly all: number;
  /** Of a stripe. */
  readonly stripesize?: number;
  /** The provider's name where it is hard-coded. */
  readonly provider: string;
  readonly provsize: number;
}

/** Lengths of the magic and of names, with their NUL. */
const NAME = 16;

/** One sector with the metadata of a component, in the order of the headers, little-endian. */
export function encodeMetadata(
  { magic = '', version }: ClassTool,
  metadata: Metadata,
  sector: number,
): Uint8Array {
  const bytes = new Uint8Array(sector);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string): void => {
    for (let i = 0; i < Math.min(value.length, NAME - 1); i++) bytes[at + i] = value.charCodeAt(i);
  };
  text(0, magic);
  view.setUint32(16, version, true);
  text(20, metadata.name);
  view.setUint32(36, metadata.id, true);
  view.setUint16(40, metadata.no, true);
  view.setUint16(42, metadata.all, true);
  let at = 44;
  if (metadata.stripesize !== undefined) {
    view.setUint32(at, metadata.stripesize, true);
    at += 4;
  }
  text(at, metadata.provider);
  view.setBigUint64(at + NAME, BigInt(metadata.provsize), true);
  return bytes;
}
