import { Btf } from '../formats/btf/index.js';
import { ByteReader } from '../formats/byte-reader.js';
import { parseBuiltinModinfo } from '../formats/modinfo.js';
import { decodeUtf8 } from '../formats/string-table.js';
import { concat } from './columns.js';
import { parseConfig } from './config.js';
import { StoredExports } from './export-table.js';
import type { KernelImage } from './image/kernel-image.js';
import { isLinuxInfo, type LinuxPart, type LinuxTarget } from './linux-target.js';
import { ModuleTable } from './module-table.js';
import type { TargetParts } from './parts.js';
import { SymbolTable } from './symbol-table.js';
import { lacking, TargetError } from './target-error.js';

/** A Linux target over its parts. Each part is opened and decoded at the first question that needs it. Throws TargetError. */
export function openLinuxTarget(parts: TargetParts): LinuxTarget {
  const { info } = parts;
  if (!isLinuxInfo(info))
    throw new TargetError(
      `${info.name}: its file does not tell architecture, vermagic and banner: add it again`,
    );
  const lazy = <T>(name: LinuxPart, decode: (bytes: Uint8Array, file: string) => T): (() => T) => {
    let value: { readonly decoded: T } | undefined;
    return () => {
      value ??= { decoded: decode(parts.part(name), `${info.name}: ${name}`) };
      return value.decoded;
    };
  };
  const config = lazy('config', (bytes) => parseConfig(decodeUtf8(bytes)));
  const exports = lazy('exports', (bytes, file) => new StoredExports(bytes, file));
  const symbols = lazy('symbols', (bytes, file) => new SymbolTable(bytes, file));
  const types = lazy('btf', (bytes, file) => Btf.parse(bytes, file, 8, (what) => lacking(info.name, what)));
  const builtin = lazy('builtin', (bytes) => lines(decodeUtf8(bytes)));
  const builtinModinfo = lazy('builtin.modinfo', parseBuiltinModinfo);
  const certificates = lazy('certificates', splitCertificates);
  const modules = lazy('modules', (bytes) => new ModuleTable(bytes, () => parts.part('symvers'), info.name));
  let image: { readonly opened: KernelImage | undefined } | undefined;
  return {
    ...info,
    get image() {
      image ??= { opened: parts.image?.() };
      return image.opened;
    },
    get modules() {
      return parts.names.includes('modules') ? modules() : undefined;
    },
    get config() {
      return config();
    },
    get exports() {
      return exports();
    },
    get symbols() {
      return symbols();
    },
    get types() {
      return types();
    },
    get builtinModules() {
      return builtin();
    },
    get builtinModinfo() {
      return builtinModinfo();
    },
    get certificates() {
      return certificates();
    },
  };
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** The stored form of certificates: each behind its length in four bytes. */
export function joinCertificates(certificates: readonly Uint8Array[]): Uint8Array {
  return concat(certificates.flatMap((der) => [new Uint8Array(new Uint32Array([der.length]).buffer), der]));
}

function splitCertificates(bytes: Uint8Array, file: string): Uint8Array[] {
  const r = new ByteReader(bytes, file);
  const certificates: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 4 + certificates[certificates.length - 1].length) {
    certificates.push(r.slice(at + 4, r.u32(at, 'length'), 'certificate', at));
  }
  return certificates;
}
