import type { Ptr } from '../../cpu/layout.js';
import { CodeHistory } from '../../kernel/modules/code-history.js';
import { walkStack } from '../../kernel/task/stack-walk.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** A symbol of code or data that contains an address. */
export interface SymbolAt {
  readonly name: string;
  readonly offset: number;
  /** The file that it is in: undefined for the kernel's own. */
  readonly file: string | undefined;
}

/** Frames that a backtrace has at most. */
const MAX_FRAMES = 24;

/** Names of code: which file and function an address is in. The linker says which files there are. */
export class Code implements Subsystem {
  readonly exports = {};
  /** The symbol of a loaded file that contains an address; set by the linker. */
  inFile: (address: Ptr) => (SymbolAt & { readonly file: string }) | undefined = () => undefined;
  readonly history: CodeHistory;

  constructor(private readonly k: FreebsdKernel) {
    this.history = new CodeHistory({
      moduleAt: (address) => this.symbolAt(address)?.file,
      symbolize: (address) => this.symbolize(address),
    });
  }

  symbolAt(address: Ptr): SymbolAt | undefined {
    const found = this.inFile(address);
    if (found) return found;
    const name = this.k.exports.nameAt(address) ?? this.k.variables.nameAt(address);
    return name === undefined ? undefined : { name, offset: 0, file: undefined };
  }

  /** `name+0x12 [file.ko]`; the bare address where no symbol contains it. */
  symbolize(address: Ptr): string {
    const symbol = this.symbolAt(address);
    if (!symbol) return `0x${this.k.space.toAddress(address).toString(16)}`;
    const place = `${symbol.name}+0x${symbol.offset.toString(16)}`;
    return symbol.file === undefined ? place : `${place} [${symbol.file}]`;
  }

  /** The functions that a task is in, innermost first. */
  backtrace(
    task: Task,
    from: Ptr = this.k.convention.stack,
  ): { readonly address: Ptr; readonly text: string }[] {
    const frames: { readonly address: Ptr; readonly text: string }[] = [];
    for (const entry of walkStack(this.k.space, task, from)) {
      if (entry.kind === 'host')
        frames.push({ address: this.k.exports.boundAt(entry.name) ?? 0, text: entry.name });
      // A return address belongs to the call before it: tail positions would otherwise name the next function.
      else frames.push({ address: entry.address, text: this.symbolize(entry.address - 1) });
      if (frames.length >= MAX_FRAMES) break;
    }
    return frames;
  }

  /** The file that the innermost guest frame of a task is in, '' for none. */
  fileOf(task: Task, rip: Ptr): string {
    const own = this.symbolAt(rip)?.file;
    if (own !== undefined) return own;
    for (const entry of walkStack(this.k.space, task, this.k.convention.stack)) {
      const file = entry.kind === 'guest' ? this.symbolAt(entry.address)?.file : undefined;
      if (file !== undefined) return file;
    }
    return this.symbolAt(task.caller)?.file ?? this.symbolAt(task.entry)?.file ?? '';
  }
}
