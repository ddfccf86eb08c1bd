import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { bootParameter } from '../boot-parameters.js';
import { EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { parseBool, parseInteger } from '../lib/string/kstrtox.js';
import type { Subsystem } from '../subsystem.js';
import { ModuleDirectories } from './module-directory.js';

type Type = 'bool' | 'int' | 'ulong' | 'charp';

interface Parameter {
  readonly module: string;
  readonly name: string;
  readonly type: Type;
  readonly mode: number;
  /** What it is without a boot parameter, as it is shown. */
  readonly value: string;
  /** Option of the kernel that turns it on. */
  readonly option?: string;
}

/** Parameters of `module`: of one type and mode, with their values. */
function parameters(module: string, type: Type, mode: number, values: Record<string, string>): Parameter[] {
  return Object.entries(values).map(([name, value]) => ({ module, name, type, mode, value }));
}

/** Those of parts that every kernel has (Documentation/admin-guide/kernel-parameters.rst). */
const PARAMETERS: readonly Parameter[] = [
  ...parameters('printk', 'bool', 0o644, {
    always_kmsg_dump: 'N',
    console_no_auto_verbose: 'N',
    console_suspend: 'Y',
    ignore_loglevel: 'N',
  }),
  { module: 'printk', name: 'time', type: 'bool', mode: 0o644, value: 'N', option: 'CONFIG_PRINTK_TIME' },
  ...parameters('kernel', 'int', 0o444, { consoleblank: '0' }),
  ...parameters('kernel', 'bool', 0o644, {
    crash_kexec_post_notifiers: 'N',
    ignore_rlimit_data: 'N',
    initcall_debug: 'N',
  }),
  ...parameters('kernel', 'charp', 0o400, { module_blacklist: '(null)' }),
  ...parameters('kernel', 'int', 0o644, { panic: '0', panic_on_warn: '0', pause_on_oops: '0' }),
  ...parameters('kernel', 'ulong', 0o644, { panic_print: '0' }),
  ...parameters('module', 'bool', 0o644, { async_probe: 'N' }),
  ...parameters('workqueue', 'bool', 0o644, { debug_force_rr_cpu: 'N' }),
  ...parameters('workqueue', 'bool', 0o444, { disable_numa: 'N' }),
  {
    module: 'workqueue',
    name: 'power_efficient',
    type: 'bool',
    mode: 0o444,
    value: 'N',
    option: 'CONFIG_WQ_POWER_EFFICIENT_DEFAULT',
  },
];

/**
 * Parameters of what is part of the kernel: /sys/module/NAME/parameters, set by `NAME.PARAMETER=` on the command line (those of
 * `kernel` by their name alone). They are kept and shown only; those that a subsystem acts on it has itself (Subsystem.parameters).
 */
export class BuiltinParameters implements Subsystem {
  readonly exports = {};
  private readonly values = new Map<Parameter, string>();

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    for (const parameter of PARAMETERS) this.add(parameter);
    const directories = this.k.get(ModuleDirectories);
    for (const { module, name, mode, ...access } of this.k.builtinParameters())
      directories.addBuiltinParameter(module, name, mode, access);
  }

  private add(parameter: Parameter): void {
    const { k, values } = this;
    const { module, name, mode, option } = parameter;
    values.set(parameter, option !== undefined && k.configured(option) ? 'Y' : parameter.value);
    const boot = module === 'kernel' ? name : `${module}.${name}`;
    const given = bootParameter(k.cmdline, boot);
    if (given !== undefined && !this.set(parameter, given))
      k.log.line(`Booting kernel: \`${given}' invalid for parameter \`${boot}'`, LOGLEVEL_ERR);
    k.get(ModuleDirectories).addBuiltinParameter(module, name, mode, {
      get: () => `${values.get(parameter)}\n`,
      set: (text) => (this.set(parameter, text.replace(/\n$/, '')) ? 0 : -EINVAL),
    });
  }

  /** False for what is no value of its type. */
  private set(parameter: Parameter, text: string): boolean {
    const value = read(parameter.type, text);
    if (value !== undefined) this.values.set(parameter, value);
    return value !== undefined;
  }
}

/** A value as it is shown; undefined for what is none of the type. */
function read(type: Type, text: string): string | undefined {
  if (type === 'charp') return text;
  if (type === 'bool') {
    const on = text === '' ? true : parseBool(text);
    return on === undefined ? undefined : on ? 'Y' : 'N';
  }
  const parsed = parseInteger(text, 0, { bits: type === 'int' ? 32 : 64, signed: type === 'int' });
  return 'error' in parsed ? undefined : String(parsed.value);
}
