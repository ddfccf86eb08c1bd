import { type AddressSpace, PAGE_KERNEL } from '../cpu/address-space.js';
import { PAGE_SIZE, type Ptr } from '../cpu/layout.js';
import { OutOfMemory } from '../kernel/errors.js';
import { ABSENT, ABSENT_END, VARIABLES, VNET_SET } from './memory-map.js';

/** Alignment of variables: that of the largest types of the kernel that want one (CACHE_LINE_SIZE). */
const ALIGN = 64;
/** What is taken for a variable whose type nobody knows. */
const UNKNOWN_BYTES = 256;

const aligned = (bytes: number): number => Math.ceil(Math.max(bytes, 1) / ALIGN) * ALIGN;

/**
 * Where the kernel's variables are. Those that a subsystem sets are in memory; those that nothing here sets have addresses too, so that
 * modules link, but no memory: an access is a fault that names the variable.
 */
export class Variables {
  private readonly there = new Map<string, Ptr>();
  private readonly absent = new Map<string, Ptr>();
  private readonly absentNames: { readonly at: Ptr; readonly name: string }[] = [];
  private next = VARIABLES;
  private nextAbsent = ABSENT;

  constructor(private readonly space: AddressSpace) {}

  /** The address of a variable that is there, making zeroed room of `bytes` for it when it is first asked for. */
  place(name: string, bytes: number): Ptr {
    const known = this.there.get(name);
    if (known !== undefined) return known;
    const at = this.next;
    const end = at + aligned(bytes);
    if (end > VNET_SET) throw new OutOfMemory('no room for another variable of the kernel');
    const mapped = Math.ceil(at / PAGE_SIZE) * PAGE_SIZE;
    if (end > mapped) this.space.map(mapped, Math.ceil((end - mapped) / PAGE_SIZE) * PAGE_SIZE, PAGE_KERNEL);
    this.next = end;
    this.there.set(name, at);
    return at;
  }

  find(name: string): Ptr | undefined {
    return this.there.get(name);
  }

  /** An address for a variable that nothing sets. */
  placeAbsent(name: string, bytes: number): Ptr {
    const known = this.absent.get(name);
    if (known !== undefined) return known;
    const at = this.nextAbsent;
    this.nextAbsent += aligned(bytes || UNKNOWN_BYTES);
    if (this.nextAbsent > ABSENT_END)
      throw new OutOfMemory('no addresses left for variables that are not there');
    this.absent.set(name, at);
    this.absentNames.push({ at, name });
    return at;
  }

  /** The variable that is not there at an address. */
  absentAt(at: Ptr): string | undefined {
    if (at < ABSENT || at >= this.nextAbsent) return undefined;
    let found: string | undefined;
    for (const one of this.absentNames) if (one.at <= at) found = one.name;
    return found;
  }

  /** `name` for the variable that begins at an address. */
  nameAt(at: Ptr): string | undefined {
    for (const [name, place] of this.there) if (place === at) return name;
    return undefined;
  }
}
