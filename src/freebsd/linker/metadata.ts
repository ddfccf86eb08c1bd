import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { LinkerFile } from './linker-file.js';

/** struct mod_depend. */
export interface VersionRange {
  readonly minimum: number;
  readonly preferred: number;
  readonly maximum: number;
}

/** A record of a file's mod_metadata (sys/sys/module.h), as it is in memory. */
export type LoadedMetadata =
  | { readonly kind: 'depend'; readonly name: string; readonly range: VersionRange }
  | { readonly kind: 'version'; readonly name: string; readonly version: number }
  | { readonly kind: 'module'; readonly data: Ptr }
  | { readonly kind: 'other' };

/** What a file says of itself, in the order of its set. */
export function metadataOf(k: FreebsdKernel, file: LinkerFile): readonly LoadedMetadata[] {
  const set = file.set('modmetadata_set');
  if (!set) return [];
  const records: LoadedMetadata[] = [];
  for (let at = set.start; at < set.stop; at += 8) records.push(recordAt(k, k.space.loadPtr(at)));
  return records;
}

function recordAt(k: FreebsdKernel, at: Ptr): LoadedMetadata {
  const type = k.struct('mod_metadata');
  const data = type.get(at, 'md_data');
  switch (type.get(at, 'md_type')) {
    case k.macro('MDT_DEPEND'): {
      const depend = k.struct('mod_depend');
      const [minimum, preferred, maximum] = ['md_ver_minimum', 'md_ver_preferred', 'md_ver_maximum'].map(
        (member) => depend.get(data, member),
      );
      return { kind: 'depend', name: type.string(at, 'md_cval'), range: { minimum, preferred, maximum } };
    }
    case k.macro('MDT_VERSION'):
      return {
        kind: 'version',
        name: type.string(at, 'md_cval'),
        version: k.struct('mod_version').get(data, 'mv_version'),
      };
    case k.macro('MDT_MODULE'):
      return { kind: 'module', data };
    default:
      return { kind: 'other' };
  }
}
