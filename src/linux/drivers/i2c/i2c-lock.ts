import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { RtMutexes } from '../../locking/rtmutex.js';
import type { Subsystem } from '../../subsystem.js';
import { I2C_LOCK_SEGMENT } from './i2c-flags.js';

/** Who may use an adapter: the operations that modules' inlined i2c_lock_bus() goes by (struct i2c_lock_operations). */
export class I2cLocks implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';
  readonly exports = {};

  private table: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  /** i2c_adapter_lock_ops: those of an adapter that has none of its own. */
  private get operations(): Ptr {
    if (this.table === 0) {
      const { k } = this;
      const type = k.struct('i2c_lock_operations');
      const mutexes = k.get(RtMutexes);
      const lockOf = (adapter: Ptr): Ptr => k.struct('i2c_adapter').addr(adapter, 'bus_lock');
      this.table = k.permanent(type.size);
      type.bind(this.table, 'lock_bus', 'i2c_adapter_lock_bus', (adapter: Ptr) =>
        mutexes.lock(lockOf(adapter)),
      );
      type.bind(this.table, 'trylock_bus', 'i2c_adapter_trylock_bus', (adapter: Ptr) =>
        Number(mutexes.trylock(lockOf(adapter))),
      );
      type.bind(this.table, 'unlock_bus', 'i2c_adapter_unlock_bus', (adapter: Ptr) =>
        mutexes.unlock(lockOf(adapter)),
      );
    }
    return this.table;
  }

  /** What i2c_register_adapter() does for them. */
  init(adapter: Ptr): void {
    const { k } = this;
    const type = k.struct('i2c_adapter');
    if (type.get(adapter, 'lock_ops') === 0) type.set(adapter, 'lock_ops', this.operations);
    for (const lock of ['bus_lock', 'mux_lock']) k.get(RtMutexes).init(type.addr(adapter, lock));
  }

  /** Does something while nobody else uses the adapter's segment. */
  *locked<T>(adapter: Ptr, body: () => Sleepable<T>): Sleepable<T> {
    const operations = this.k.struct('i2c_adapter').get(adapter, 'lock_ops');
    const type = this.k.struct('i2c_lock_operations');
    yield* type.call(operations, 'lock_bus', adapter, I2C_LOCK_SEGMENT);
    const result = yield* body();
    yield* type.call(operations, 'unlock_bus', adapter, I2C_LOCK_SEGMENT);
    return result;
  }
}
