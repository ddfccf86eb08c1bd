/** What is kept of registers that only drivers change (drivers/base/regmap/regcache.c). One kind serves for all but that flat ones know every register. */
export class RegisterCache {
  private readonly values = new Map<number, number>();
  private readonly defaults: ReadonlyMap<number, number>;
  /** Something was written that the hardware does not have. */
  isDirty = false;
  /** The hardware was reset: what has its value at power-on is as the hardware has it. */
  skipsDefaults = false;

  constructor(
    private readonly kind: 'flat' | 'sparse',
    defaults: Iterable<readonly [register: number, value: number]>,
  ) {
    this.defaults = new Map(defaults);
    for (const [register, value] of this.defaults) this.values.set(register, value);
  }

  /** Undefined where it is not known. */
  get(register: number): number | undefined {
    return this.values.get(register) ?? (this.kind === 'flat' ? 0 : undefined);
  }

  has(register: number): boolean {
    return this.get(register) !== undefined;
  }

  set(register: number, value: number): void {
    this.values.set(register, value);
  }

  drop(first: number, last: number): void {
    for (const register of [...this.values.keys()])
      if (register >= first && register <= last) this.values.delete(register);
  }

  /** Registers between two, inclusive, that the hardware may not have, in their order. */
  unwritten(first: number, last: number): (readonly [register: number, value: number])[] {
    return [...this.values]
      .filter(([register, value]) => {
        if (register < first || register > last) return false;
        return !(this.skipsDefaults && this.defaults.get(register) === value);
      })
      .sort(([a], [b]) => a - b);
  }
}
