import { FormatError } from '../format-error.js';
import {
  MAX_MODULE_NAME,
  MAX_PNP_DESCRIPTION,
  MDT_DEPEND,
  MDT_MODULE,
  MDT_PNP_INFO,
  MDT_VERSION,
} from './constants.js';
import { type KldImage, pointerAt } from './kld-image.js';

/** An entry of the set modmetadata_set (sys/module.h). `name` is its md_cval. */
export type KldMetadata =
  /** Needs a module of one of these versions: MODULE_DEPEND. */
  | {
      readonly kind: 'depend';
      readonly name: string;
      readonly minimum: number;
      readonly preferred: number;
      readonly maximum: number;
    }
  /** Declares a module: DECLARE_MODULE. `data` is the address of its moduledata_t. */
  | { readonly kind: 'module'; readonly name: string; readonly data: number }
  /** A module of the file has this version: MODULE_VERSION. */
  | { readonly kind: 'version'; readonly name: string; readonly version: number }
  /** Devices of a bus, `name`, that a module drives: MODULE_PNP_INFO. */
  | ({ readonly kind: 'pnp'; readonly name: string } & PnpTable)
  /** An md_type that sys/module.h does not have. */
  | { readonly kind: 'unknown'; readonly name: string; readonly type: number };

/** struct mod_pnp_match_info. */
export interface PnpTable {
  /** The fields of an entry: `U16:vendor;U16:device;`. */
  readonly description: string;
  /** Address of the table in the image. */
  readonly table: number;
  /** Bytes. */
  readonly entryLength: number;
  readonly count: number;
}

/** moduledata_t, of which only the name is in the file as text: the others are code and data of it. */
export interface ModuleData {
  readonly name: string;
  /** Addresses in the image; 0 where there is none, or where another file has it. */
  readonly handler: number;
  readonly priv: number;
}

const METADATA_SIZE = 24;
const MODULE_DATA_SIZE = 24;

/** struct mod_metadata, before one looks at what it points to. */
export interface MetadataEntry {
  readonly type: number;
  readonly name: string;
  /** Address of what `type` says. */
  readonly data: number;
}

/** The struct mod_metadata at an address. Throws a FormatError. */
export function readEntry(image: KldImage, address: number): MetadataEntry {
  const entry = image.read(address, METADATA_SIZE, 'struct mod_metadata');
  return {
    type: entry.getInt32(4, true),
    name: image.readString(pointerAt(entry, 16), MAX_MODULE_NAME + 1, 'md_cval'),
    data: pointerAt(entry, 8),
  };
}

/** What an entry says. Throws a FormatError. */
export function readMetadata(
  image: KldImage,
  { type, name, data }: MetadataEntry,
  file: string,
): KldMetadata {
  switch (type) {
    case MDT_DEPEND: {
      const depend = image.read(data, 12, 'struct mod_depend');
      return {
        kind: 'depend',
        name,
        minimum: depend.getInt32(0, true),
        preferred: depend.getInt32(4, true),
        maximum: depend.getInt32(8, true),
      };
    }
    case MDT_MODULE:
      return { kind: 'module', name, data };
    case MDT_VERSION:
      return { kind: 'version', name, version: image.read(data, 4, 'struct mod_version').getInt32(0, true) };
    case MDT_PNP_INFO:
      return { kind: 'pnp', name, ...readPnp(image, data, file) };
    default:
      return { kind: 'unknown', name, type };
  }
}

function readPnp(image: KldImage, address: number, file: string): PnpTable {
  const info = image.read(address, 32, 'struct mod_pnp_match_info');
  const entryLength = info.getInt32(24, true);
  const count = info.getInt32(28, true);
  if (entryLength < 0 || count < 0)
    throw new FormatError(
      file,
      'struct mod_pnp_match_info',
      address,
      `${count} entries of ${entryLength} bytes`,
    );
  return {
    description: image.readString(pointerAt(info, 0), MAX_PNP_DESCRIPTION, 'descr'),
    table: pointerAt(info, 16),
    entryLength,
    count,
  };
}

/** The moduledata_t at the address that a module's metadata has. Throws a FormatError. */
export function readModuleData(image: KldImage, address: number): ModuleData {
  const view = image.read(address, MODULE_DATA_SIZE, 'moduledata_t');
  return {
    name: image.readString(pointerAt(view, 0), MAX_MODULE_NAME + 1, 'moduledata_t: name'),
    handler: pointerAt(view, 8),
    priv: pointerAt(view, 16),
  };
}
