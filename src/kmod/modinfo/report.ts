import { readable } from '../byte-text.js';
import type { KmodElf } from '../kmod-elf.js';
import { type InfoField, type InfoParameter, parametersOf } from './fields.js';
import { signatureOf } from './signature.js';
import type { Subject } from './subject.js';
import {
  type BtfView,
  buildIdOf,
  type ExportView,
  hexDigits,
  type ImportView,
  type SectionView,
} from './views.js';

/**
 * What `modinfo --json` prints of a module, one object a line. The schema is stable: members are only ever added.
 * src/kmod/modinfo/README.md describes it.
 */
export interface ModinfoReport {
  /** Null where the module is built in. */
  readonly filename: string | null;
  readonly name: string;
  readonly builtin: boolean;
  /** Values of each field of `.modinfo` in their order, but for parameters. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** In the order in which the module declares them. */
  readonly parameters: readonly {
    readonly name: string;
    readonly description: string | null;
    readonly type: string | null;
  }[];
  readonly signature: {
    readonly type: string;
    readonly signer: string;
    /** Hexadecimal. */
    readonly key: string;
    readonly hash: string;
    /** Hexadecimal. */
    readonly signature: string;
  } | null;
  /** Hexadecimal. */
  readonly buildId: string | null;
  readonly exports?: readonly ExportView[];
  readonly imports?: readonly ImportView[];
  readonly sections?: readonly SectionView[];
  readonly btf?: readonly BtfView[];
}

/** Members of the report that are there only when asked for. */
export type ReportViews = Pick<ModinfoReport, 'exports' | 'imports' | 'sections' | 'btf'>;

/** `strings` are the `.modinfo` fields, without those that kmod makes of the signature. */
export function reportOf(
  subject: Subject,
  module: KmodElf | undefined,
  strings: readonly InfoField[],
  views: ReportViews,
  complain: (field: InfoField) => void,
): ModinfoReport {
  return {
    filename: subject.filename ?? null,
    name: subject.name,
    builtin: module === undefined,
    fields: grouped(strings),
    parameters: parametersOf(strings, complain).map(parameterOf),
    signature: (module && signatureReport(module)) ?? null,
    buildId: module ? buildIdOf(module) : null,
    ...views,
  };
}

function grouped(fields: readonly InfoField[]): Record<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const { key, value } of fields) {
    if (key === 'parm' || key === 'parmtype') continue;
    const known = groups.get(key);
    if (known) known.push(readable(value));
    else groups.set(key, [readable(value)]);
  }
  return Object.fromEntries([...groups].map(([key, values]) => [readable(key), values]));
}

function parameterOf({ name, description, type }: InfoParameter): ModinfoReport['parameters'][number] {
  return {
    name: readable(name),
    description: description === undefined ? null : readable(description),
    type: type === undefined ? null : readable(type),
  };
}

function signatureReport(module: KmodElf): ModinfoReport['signature'] {
  const found = signatureOf(module.elf.bytes, module.file);
  if (!found) return null;
  return {
    type: found.type,
    signer: readable(found.signer),
    key: hexDigits(found.keyId),
    hash: found.hash,
    signature: hexDigits(found.signature),
  };
}
