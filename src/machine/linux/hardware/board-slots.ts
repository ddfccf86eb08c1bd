import type { Ptr } from '../../../cpu/layout.js';
import type { Bus } from '../../../hardware/bus.js';
import type { PciFunction } from '../../../hardware/pci/pci.js';
import type { BoardFunction, PciBoard } from '../../../hardware/pci/pci-board.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { DmaDebug } from '../../../linux/drivers/dma/dma-debug.js';
import { PciLinks } from '../../../linux/drivers/pci/links.js';
import { MsiVectors } from '../../../linux/drivers/pci/msi-vectors.js';
import { PciProbe } from '../../../linux/drivers/pci/probe.js';
import { IrqHandling } from '../../../linux/irq/handle.js';
import { Interrupts } from '../../../linux/irq/manage.js';
import type { LinuxKernel } from '../../../linux/kernel.js';

const PLACES_OF_BUS = 32;

/** What a board's devices are plugged into. */
interface Slots {
  readonly memory: Bus;
  readonly ports: Bus;
  rootBus(): Sleepable<Ptr>;
  isFree(slot: number): boolean;
  assign(fn: PciFunction<unknown>, line: number): void;
}

/** A function, by where the machine has it. */
interface Placed {
  readonly devfn: number;
  readonly fn: BoardFunction;
  pdev: Ptr;
}

/** Devices that run beside the machine, on its PCI bus: at the places that they have on their own, where those are free. */
export class BoardSlots {
  private readonly placed = new Map<number, Placed>();
  private readonly boards: PciBoard[] = [];
  private readonly high = new Set<number>();

  constructor(
    private readonly k: LinuxKernel,
    private readonly slots: Slots,
  ) {}

  at(devfn: number): PciFunction<unknown> | undefined {
    return this.placed.get(devfn)?.fn;
  }

  has(slot: number): boolean {
    return [...this.placed.keys()].some((devfn) => devfn >>> 3 === slot);
  }

  /** The struct pci_dev of a device; 0 where it is none of these. */
  structOf(device: unknown): Ptr {
    return [...this.placed.values()].find(({ fn }) => fn.device === device)?.pdev ?? 0;
  }

  isHigh(line: number): boolean {
    return this.high.has(line);
  }

  /** Starts a board, and puts its devices into slots. Throws what that throws. */
  start(board: PciBoard): readonly Placed[] {
    const { k } = this;
    const functions = board.start({
      memory: () => k.space.bytes,
      mapped: () => k.get(DmaDebug).mappings(),
      line: (input, level) => this.setLine(input, level),
      message: (message) => void k.get(MsiVectors).deliver(message),
    });
    this.boards.push(board);
    k.scheduler.companion = this;
    for (const { input, link } of board.lines) {
      k.get(Interrupts).connectLevel(input);
      k.get(PciLinks).add(input, link);
    }
    const moved = new Map<number, number>();
    return functions.map((fn) => {
      const slot = moved.get(fn.slot) ?? this.placeFor(fn.slot);
      moved.set(fn.slot, slot);
      return this.place(fn, slot * 8 + fn.number);
    });
  }

  private placeFor(slot: number): number {
    const isFree = (one: number): boolean => this.slots.isFree(one) && !this.has(one);
    if (isFree(slot)) return slot;
    for (let other = 1; other < PLACES_OF_BUS; other++) if (isFree(other)) return other;
    throw new RangeError('no slot is free');
  }

  private place(fn: BoardFunction, devfn: number): Placed {
    const placed = { devfn, fn, pdev: 0 };
    this.placed.set(devfn, placed);
    this.slots.memory.add(fn.memoryDecoder);
    this.slots.ports.add(fn.portDecoder);
    this.slots.assign(fn, fn.line ?? 0);
    fn.powerOn();
    return placed;
  }

  /** The kernel finds them, and drivers get to see them. */
  *plug(found: readonly Placed[]): Sleepable<readonly unknown[]> {
    const bus = yield* this.slots.rootBus();
    for (const placed of found) placed.pdev = yield* this.k.get(PciProbe).scan(bus, placed.devfn);
    return found.map(({ fn }) => fn.device);
  }

  poll(): void {
    for (const board of this.boards) board.poll();
  }

  /** With more than one, they take turns. */
  wait(nanoseconds: number): { readonly waited: number; readonly happened: boolean } {
    const share = nanoseconds / this.boards.length;
    let waited = 0;
    for (const board of this.boards) {
      const one = board.wait(share);
      waited += one.waited;
      if (one.happened) return { waited, happened: true };
    }
    return { waited, happened: false };
  }

  stop(): void {
    for (const board of this.boards.splice(0)) board.stop();
    this.k.scheduler.companion = undefined;
  }

  private setLine(line: number, level: boolean): void {
    if (!level) this.high.delete(line);
    else if (!this.high.has(line)) {
      this.high.add(line);
      this.k.get(IrqHandling).raiseLevel(line);
    }
  }
}
