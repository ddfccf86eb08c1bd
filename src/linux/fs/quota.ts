import type { Ptr } from '../../cpu/layout.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Formats of quota files (fs/quota/dquot.c). */
export class QuotaFormats implements Subsystem {
  static readonly builtIn = 'CONFIG_QUOTA';

  private readonly formats: Ptr[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_quota_format: (format: Ptr) => {
      this.k.struct('quota_format_type').set(format, 'qf_next', this.formats[0] ?? 0);
      this.k.origins.note(format);
      this.formats.unshift(format);
      return 0;
    },
    unregister_quota_format: (format: Ptr) => {
      const index = this.formats.indexOf(format);
      if (index < 0) return;
      const type = this.k.struct('quota_format_type');
      if (index > 0) type.set(this.formats[index - 1], 'qf_next', type.get(format, 'qf_next'));
      this.formats.splice(index, 1);
    },
  };

  holds(): Iterable<Holding> {
    return heldStructs(this.k, { kind: 'quota format', struct: 'quota_format_type' }, this.formats);
  }
}
