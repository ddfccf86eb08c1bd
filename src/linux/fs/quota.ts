import type { Ptr } from '../../cpu/layout.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** `struct quota_format_type *quota_formats`, linked by qf_next. */
const FORMATS = 'quota_formats';

/** Formats of quota files (fs/quota/dquot.c). */
export class QuotaFormats implements Subsystem {
  static readonly builtIn = 'CONFIG_QUOTA';

  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = [FORMATS];
  readonly exports = {
    register_quota_format: (format: Ptr) => {
      const { space } = this.k;
      this.k.struct('quota_format_type').set(format, 'qf_next', space.loadPtr(this.head));
      this.k.origins.note(format);
      space.storePtr(this.head, format);
      return 0;
    },
    unregister_quota_format: (format: Ptr) => this.unregister(format),
  };

  holds(): Iterable<Holding> {
    return heldStructs(this.k, { kind: 'quota format', struct: 'quota_format_type' }, this.formats());
  }

  private get head(): Ptr {
    return this.k.variable(FORMATS, 8);
  }

  private *formats(): Generator<Ptr> {
    const type = this.k.struct('quota_format_type');
    for (let at = this.k.space.loadPtr(this.head); at !== 0; at = type.get(at, 'qf_next')) yield at;
  }

  private unregister(format: Ptr): void {
    const type = this.k.struct('quota_format_type');
    let link = this.head;
    for (const at of this.formats()) {
      if (at === format) {
        this.k.space.storePtr(link, type.get(at, 'qf_next'));
        return;
      }
      link = type.addr(at, 'qf_next');
    }
  }
}
