import type { FileSource } from '../../files/file-source.js';
import { FormatError } from '../../formats/format-error.js';
import { EINVAL } from '../../linux/errno.js';
import type { KmodElf } from '../kmod-elf.js';
import { KmodError } from '../kmod-error.js';
import { fieldOf, type InfoField } from './fields.js';
import { Providers } from './providers.js';
import { type ReportViews, reportOf } from './report.js';
import type { Subject } from './subject.js';
import { viewsText } from './tables.js';
import { btfView, exportsView, importsView, sectionsView } from './views.js';

/** What modbox shows of a module beyond kmod's fields. */
export type View = 'exports' | 'imports' | 'sections' | 'btf';

interface MoreOptions {
  readonly root: string;
  /** As given on the command line. */
  readonly release: string | undefined;
  readonly running: string;
  readonly views: readonly View[];
  readonly json: boolean;
  print(text: string): void;
  complain(field: InfoField): void;
  builtinFields(subject: Subject): readonly InfoField[];
}

/** Where a running kernel shows its types (Documentation/bpf/btf.rst). */
const KERNEL_BTF = '/sys/kernel/btf/vmlinux';

/** `modinfo --json`, and `--exports`, `--imports`, `--sections` and `--btf` with it or alone. */
export class MoreThanKmod {
  private readonly providers: Providers;
  private shown = 0;
  private readBtf: { readonly bytes: Uint8Array | undefined } | undefined;

  constructor(
    private readonly files: FileSource,
    private readonly options: MoreOptions,
  ) {
    this.providers = new Providers(files);
  }

  /** Prints all of a module that was asked for. Throws KmodError. */
  show(subject: Subject): void {
    const { json, print, complain } = this.options;
    const module = subject.open?.();
    const fields = module ? module.modinfoStrings().map(fieldOf) : this.options.builtinFields(subject);
    const views = module ? this.viewsOf(module, subject, fields) : {};
    if (json) {
      print(`${JSON.stringify(reportOf(subject, module, fields, views, complain))}\n`);
      return;
    }
    if (this.shown++ > 0) print('\n');
    print(
      module
        ? viewsText(subject.name, views)
        : `${subject.name}: built into the kernel, without a file of its own\n`,
    );
  }

  private viewsOf(module: KmodElf, subject: Subject, fields: readonly InfoField[]): ReportViews {
    const { views } = this.options;
    const vermagic = fields.find(({ key }) => key === 'vermagic')?.value.split(' ')[0];
    return {
      ...(views.includes('exports') && { exports: exportsView(module) }),
      ...(views.includes('imports') && { imports: importsView(module, this.providerOf(subject, vermagic)) }),
      ...(views.includes('sections') && { sections: sectionsView(module) }),
      ...(views.includes('btf') && { btf: this.btf(module, vermagic) }),
    };
  }

  private providerOf(subject: Subject, vermagic: string | undefined): (symbol: string) => string | null {
    const { root, release, running } = this.options;
    return this.providers.for(subject.filename ?? '', { root, release: release ?? vermagic ?? running });
  }

  /** The kernel's types are at hand where the module is one of the kernel that runs. */
  private btf(module: KmodElf, vermagic: string | undefined): ReturnType<typeof btfView> {
    try {
      return btfView(module, vermagic === this.options.running ? this.kernelBtf() : undefined);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const { file, field, offset, detail } = error;
      throw new KmodError(EINVAL, file, offset, `${field}: ${detail}`);
    }
  }

  private kernelBtf(): Uint8Array | undefined {
    this.readBtf ??= { bytes: this.files.read(KERNEL_BTF) };
    return this.readBtf.bytes;
  }
}
