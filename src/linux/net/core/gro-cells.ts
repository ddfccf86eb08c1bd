import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Napi } from './napi.js';
import { SkbQueues } from './skb-queue.js';

/** Where tunnels collect packets before they are merged: a queue and a NAPI context a CPU (net/core/gro_cells.c). */
export class GroCells implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    gro_cells_init: (cells: Ptr, dev: Ptr) => this.init(cells, dev),
    gro_cells_destroy: (cells: Ptr) => this.destroy(cells),
  };

  private init(cells: Ptr, dev: Ptr): number {
    const { k } = this;
    const cell = k.struct('gro_cell');
    const memory = k.percpu.allocate(cell.size, 8);
    k.struct('gro_cells').set(cells, 'cells', memory);
    if (memory === 0) return -ENOMEM;
    const at = k.percpu.deref(memory);
    k.get(SkbQueues).init(cell.addr(at, 'napi_skbs'));
    const poll = k.fn('gro_cell_poll');
    k.get(Napi).add(dev, cell.addr(at, 'napi'), poll, 64);
    k.get(Napi).enable(cell.addr(at, 'napi'));
    return 0;
  }

  private *destroy(cells: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('gro_cells');
    const memory = type.get(cells, 'cells');
    if (memory === 0) return;
    const cell = k.struct('gro_cell');
    const at = k.percpu.deref(memory);
    yield* k.get(Napi).disable(cell.addr(at, 'napi'));
    k.get(Napi).remove(cell.addr(at, 'napi'));
    yield* k.get(SkbQueues).purge(cell.addr(at, 'napi_skbs'));
    k.percpu.free(memory);
    type.set(cells, 'cells', 0);
  }
}
