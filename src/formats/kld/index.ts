export * from './constants.js';
export { KldFile, kldOf, parseKld } from './kld-file.js';
export { type KldImage, pointerAt } from './kld-image.js';
export {
  encodeHintsRecord,
  HintsError,
  type HintsRecord,
  LINKER_HINTS_VERSION,
  readLinkerHints,
  writeLinkerHints,
} from './linker-hints.js';
export type { KldMetadata, MetadataEntry, ModuleData, PnpTable } from './metadata.js';
export {
  hintsDescription,
  type PnpField,
  type PnpType,
  parsePnpDescription,
  splitPnpDescription,
} from './pnp-description.js';
export { eisaId, type PnpValue, readPnpTable } from './pnp-table.js';
