import { type LinuxTarget, TargetError } from '../target/index.js';
import type { Subsystem, SubsystemClass } from './subsystem.js';

/**
 * Which subsystems are part of a kernel. What a target has as modules, or not at all, the base kernel has not either: its exports are
 * those of the module then, or of nobody.
 */
export class BuiltIns {
  private readonly without = new Set<SubsystemClass>();

  constructor(private readonly target: LinuxTarget) {}

  /** Whether the kernel may have it: its option is built in. A target that came without its configuration says nothing of that. */
  allows({ builtIn }: Pick<SubsystemClass, 'builtIn'>): boolean {
    const { config } = this.target;
    return config.size === 0 || optionsOf(builtIn).every((option) => config.get(option) === 'y');
  }

  /** Whether a subsystem that was made is of use: the kernel has something of what it exports, or it exports nothing. */
  accepts(type: SubsystemClass, { exports = {}, data = {} }: Subsystem): boolean {
    const names = Object.keys(exports).concat(Object.keys(data));
    const accepted = names.length === 0 || names.some((name) => this.hasSymbol(name));
    if (!accepted) this.without.add(type);
    return accepted;
  }

  /** Whether the kernel has a subsystem, once all were looked at. */
  has(type: SubsystemClass): boolean {
    return this.allows(type) && !this.without.has(type);
  }

  /** Refuses to make what the kernel does not have: whoever reaches into such a subsystem has to ask for it first. */
  demand(type: SubsystemClass): void {
    if (!this.allows(type))
      throw new TargetError(
        `${this.target.name} has no ${type.name}: ${optionsOf(type.builtIn).join(' or ')} is not built in`,
      );
  }

  /** Starts a part of a subsystem; what the target lacks then is an error that names the subsystem. */
  start(type: SubsystemClass, body: () => void): void {
    try {
      body();
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      const options = optionsOf(type.builtIn).join(', ');
      const option = options === '' ? '' : ` (${options})`;
      throw new TargetError(`cannot boot ${type.name}${option}: ${error.message}`, { cause: error });
    }
  }

  private hasSymbol(name: string): boolean {
    const { exports, symbols } = this.target;
    return exports.has(name) || exports.has(`${name}_noprof`) || symbols.lookup(name) !== undefined;
  }
}

const optionsOf = (builtIn: SubsystemClass['builtIn']): readonly string[] => [builtIn ?? []].flat();
