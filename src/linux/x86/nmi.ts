import type { Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import { EINVAL } from '../errno.js';
import { type Holding, heldStructs, listedStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** NMI_LOCAL, NMI_UNKNOWN, NMI_SERR, NMI_IO_CHECK (arch/x86/include/asm/nmi.h). */
const TYPES = 4;
/** Put this handler first. */
const NMI_FLAG_FIRST = 1n;

/** Handlers of non-maskable interrupts (arch/x86/kernel/nmi.c). Nothing in this machine raises one. */
export class NmiHandlers implements Subsystem {
  private readonly heads: readonly Ptr[];

  constructor(private readonly k: LinuxKernel) {
    this.heads = Array.from({ length: TYPES }, () => k.permanent(16));
    for (const head of this.heads) list.init(k.space, head);
  }

  readonly exports = {
    __register_nmi_handler: (type: number, action: Ptr) => this.register(type, action),
    unregister_nmi_handler: (type: number, name: Ptr) => this.unregister(type, name),
  };

  *holds(): Generator<Holding> {
    const what = { kind: 'NMI handler', struct: 'nmiaction', name: 'name', uses: ['handler'] };
    for (const head of this.heads)
      yield* heldStructs(this.k, what, listedStructs(this.k, 'nmiaction', 'list', head));
  }

  private register(type: number, action: Ptr): number {
    const { space } = this.k;
    const struct = this.k.struct('nmiaction');
    const head = this.heads[type];
    if (head === undefined || struct.get(action, 'handler') === 0) return -EINVAL;
    this.k.origins.note(action);
    const node = struct.addr(action, 'list');
    if (struct.getBig(action, 'flags') & NMI_FLAG_FIRST) list.add(space, node, head);
    else list.addTail(space, node, head);
    return 0;
  }

  private unregister(type: number, name: Ptr): void {
    const { space } = this.k;
    const struct = this.k.struct('nmiaction');
    const wanted = space.cstring(name);
    for (const node of list.entries(space, this.heads[type])) {
      if (struct.string(struct.of(node, 'list'), 'name') !== wanted) continue;
      list.del(space, node);
      return;
    }
  }
}
