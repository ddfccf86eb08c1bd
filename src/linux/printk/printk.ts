import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { LOGLEVEL_EMERG, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { CUT_HERE, warn } from '../warn.js';
import { LOG_LINE_MAX } from './log-policy.js';
import { decodeText, parsePrefix } from './prefix.js';

const PANIC_MESSAGE_MAX = 1024;

/** Functions that CONFIG_FORTIFY_SOURCE watches (enum fortify_func, include/linux/fortify-string.h). */
const FORTIFIED = (
  'strncpy strnlen strlen strscpy strlcat strcat strncat memset memcpy memmove memscan memcmp memchr ' +
  'memchr_inv kmemdup strcpy'
).split(' ');

/** The kernel log's writers (Documentation/core-api/printk-basics.rst). */
export class Printk implements Subsystem {
  private readonly messageLevel: number;

  constructor(private readonly k: LinuxKernel) {
    this.messageLevel = Number(k.target.config.get('CONFIG_MESSAGE_LOGLEVEL_DEFAULT') ?? LOGLEVEL_WARNING);
  }

  readonly exports = {
    _printk: (fmt: Ptr, args: VarArgs) => this.vprintk(fmt, args),
    _printk_deferred: (fmt: Ptr, args: VarArgs) => this.vprintk(fmt, args),
    vprintk: (fmt: Ptr, args: Ptr) => this.vprintk(fmt, this.k.convention.vaList(args)),
    vprintk_default: (fmt: Ptr, args: Ptr) => this.vprintk(fmt, this.k.convention.vaList(args)),
    vprintk_emit: (_facility: number, level: number, deviceInfo: Ptr, fmt: Ptr, args: Ptr) =>
      this.emit(
        this.k.get(Vsprintf).text(fmt, this.k.convention.vaList(args), LOG_LINE_MAX),
        level < 0 ? undefined : level,
        deviceInfo !== 0,
      ),
    __warn_printk: (fmt: Ptr, args: VarArgs) => {
      this.k.log.line(CUT_HERE, LOGLEVEL_WARNING);
      this.vprintk(fmt, args);
    },
    panic: (fmt: Ptr, args: VarArgs) => {
      const text = this.k.get(Vsprintf).text(fmt, args, PANIC_MESSAGE_MAX);
      const message = text.slice(0, PANIC_MESSAGE_MAX - 1).replace(/\n$/, '');
      throw new Oops('panic', `Kernel panic - not syncing: ${decodeText(message)}`, this.k.caller);
    },
    nmi_panic: (_registers: Ptr, message: Ptr) => {
      const text = `Kernel panic - not syncing: ${this.k.space.cstring(message)}`;
      throw new Oops('panic', text, this.k.caller);
    },
    dump_stack: () => this.k.traps.dumpStack(),
    dump_stack_lvl: (_level: Ptr) => this.k.traps.dumpStack(),
    fortify_panic: (name: Ptr) => {
      const text = `detected buffer overflow in ${this.k.space.cstring(name)}`;
      this.k.log.line(text, LOGLEVEL_EMERG);
      throw new Oops('out-of-bounds', 'kernel BUG at lib/string_helpers.c:1027!', this.k.caller);
    },
    // From 6.9 on: bit 0 of the reason says write, the rest is the function.
    __fortify_panic: (reason: number, available: number, size: number) => {
      const verb = reason & 1 ? 'write' : 'read';
      const text = `${this.fortified(reason >> 1)}: detected buffer overflow: ${size} byte ${verb} of buffer size ${available}`;
      warn(this.k, text, 'lib/string_helpers.c', '__fortify_panic');
      throw new Oops('out-of-bounds', 'kernel BUG at lib/string_helpers.c!', this.k.caller);
    },
  };

  readonly data = {
    console_printk: (at: Ptr) => {
      const console = this.consoleLevel();
      for (const [i, level] of [console, this.messageLevel, 1, console].entries())
        this.k.space.store32(at + 4 * i, level);
    },
    system_state: (at: Ptr) => this.k.space.store32(at, this.k.enumValue('SYSTEM_RUNNING')),
  };

  /** What reaches consoles at boot: as the configuration, or `quiet` and `loglevel=` of the command line say. */
  private consoleLevel(): number {
    const { config } = this.k.target;
    const words = this.k.cmdline.split(/\s+/);
    const wanted = words.reverse().find((word) => /^(quiet|debug|loglevel=\d+)$/.test(word));
    if (wanted === undefined) return Number(config.get('CONFIG_CONSOLE_LOGLEVEL_DEFAULT') ?? 7);
    if (wanted === 'debug') return 10;
    return wanted === 'quiet'
      ? Number(config.get('CONFIG_CONSOLE_LOGLEVEL_QUIET') ?? 4)
      : Number(wanted.slice(9));
  }

  private fortified(fn: number): string {
    const has = (name: string): boolean => {
      try {
        return this.k.enumValue(`FORTIFY_FUNC_${name}`) === fn;
      } catch {
        return false;
      }
    };
    return FORTIFIED.find(has) ?? 'unknown';
  }

  /** printk(): formats, takes the level from the text's own prefix, and logs. The length without prefix. */
  vprintk(fmt: Ptr, args: VarArgs): number {
    return this.emit(this.k.get(Vsprintf).text(fmt, args, LOG_LINE_MAX), undefined, false);
  }

  /** Logs formatted bytes. Messages of devices (`wholeLine`) end their line with or without a newline. */
  emit(message: string, level: number | undefined, wholeLine: boolean): number {
    const cut = message.length < LOG_LINE_MAX ? message : message.slice(0, LOG_LINE_MAX - 1);
    const { level: own, continues, text } = parsePrefix(cut);
    const ended = text.endsWith('\n');
    const body = decodeText(ended ? text.slice(0, -1) : text);
    const isCont = continues && level === undefined && own === undefined;
    this.k.log.write(
      ended || wholeLine ? `${body}\n` : body,
      isCont ? undefined : (level ?? own ?? this.messageLevel),
      cut.length + 1,
    );
    return ended ? text.length - 1 : text.length;
  }
}
