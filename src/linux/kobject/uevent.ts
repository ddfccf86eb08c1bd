import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Listeners } from '../../kernel/listeners.js';
import { EINVAL, ENOENT, ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { kobjectName } from './names.js';

/** enum kobject_action, in its order. */
const ACTIONS = ['add', 'remove', 'change', 'move', 'online', 'offline', 'bind', 'unbind'] as const;
type UeventAction = (typeof ACTIONS)[number];

/** A message to user space about a kobject (Documentation/ABI/testing/sysfs-uevent). */
interface Uevent {
  readonly action: UeventAction;
  readonly devpath: string;
  readonly subsystem: string;
  /** All of its variables, `KEY=value`, in order. */
  readonly env: readonly string[];
}

/** Reports to user space what happens to kobjects: kobject_uevent() (lib/kobject_uevent.c). */
export class Uevents implements Subsystem {
  private sequence = 0;
  private readonly listeners = new Listeners<(event: Uevent) => void>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    kobject_uevent: (kobj: Ptr, action: number) => this.sendNumbered(kobj, action, 0),
    kobject_uevent_env: (kobj: Ptr, action: number, env: Ptr) => this.sendNumbered(kobj, action, env),
    add_uevent_var: (env: Ptr, fmt: Ptr, args: VarArgs) => this.addFormatted(env, fmt, args),
  };

  /** Registers a function that hears every event: a netlink socket, or whoever loads modules by alias. */
  listen(listener: (event: Uevent) => void): () => void {
    return this.listeners.add(listener);
  }

  /** kobject_uevent_env(): 0, or why nothing was sent. */
  *send(kobj: Ptr, action: UeventAction, extra: readonly string[] = []): Sleepable<number> {
    const { k } = this;
    const kobject = k.struct('kobject');
    if (action === 'remove') kobject.set(kobj, 'state_remove_uevent_sent', 1);
    let top = kobj;
    while (kobject.get(top, 'kset') === 0 && kobject.get(top, 'parent') !== 0)
      top = kobject.get(top, 'parent');
    const kset = kobject.get(top, 'kset');
    if (kset === 0) return -EINVAL;
    if (kobject.get(kobj, 'uevent_suppress')) return 0;
    const ops = k.struct('kset').get(kset, 'uevent_ops');
    const callbacks = k.struct('kset_uevent_ops');
    const filters = ops !== 0 && callbacks.get(ops, 'filter') !== 0;
    if (filters && (yield* callbacks.call(ops, 'filter', kobj)) === 0) return 0;
    const subsystem = yield* this.subsystem(kobj, kset, ops);
    if (subsystem === '') return 0;
    const devpath = this.path(kobj);
    if (devpath === undefined) return -ENOENT;
    const env = this.newEnv();
    for (const text of [`ACTION=${action}`, `DEVPATH=${devpath}`, `SUBSYSTEM=${subsystem}`, ...extra])
      this.addVar(env, text);
    const adds = ops !== 0 && callbacks.get(ops, 'uevent') !== 0;
    const error = adds ? yield* callbacks.call(ops, 'uevent', kobj, env) : 0;
    if (error === 0) {
      if (action === 'add') kobject.set(kobj, 'state_add_uevent_sent', 1);
      this.addVar(env, `SEQNUM=${++this.sequence}`);
      const event: Uevent = { action, devpath, subsystem, env: this.variables(env) };
      for (const listener of this.listeners) listener(event);
    }
    k.slab.free(env);
    return error;
  }

  /** A struct kobj_uevent_env, to be freed with k.slab.free(). */
  newEnv(): Ptr {
    return this.k.slab.allocateBytes(this.k.sizeOf('kobj_uevent_env'), true);
  }

  /** add_uevent_var() of a text: -ENOMEM when the environment is full. */
  addVar(env: Ptr, text: string): number {
    const { k } = this;
    const type = k.struct('kobj_uevent_env');
    const index = type.get(env, 'envp_idx');
    const length = type.get(env, 'buflen');
    const envp = type.member('envp');
    const buffer = type.member('buf');
    const place = 'lib/kobject_uevent.c';
    if (index >= envp.size / 8) {
      warn(k, 'add_uevent_var: too many keys', place, 'add_uevent_var');
      return -ENOMEM;
    }
    if (text.length >= buffer.size - length) {
      warn(k, 'add_uevent_var: buffer size too small', place, 'add_uevent_var');
      return -ENOMEM;
    }
    const at = env + buffer.offset + length;
    k.space.storeCstring(at, text);
    k.space.storePtr(env + envp.offset + index * 8, at);
    type.set(env, 'envp_idx', index + 1);
    type.set(env, 'buflen', length + text.length + 1);
    return 0;
  }

  /** The variables in a struct kobj_uevent_env. */
  variables(env: Ptr): string[] {
    const { k } = this;
    const type = k.struct('kobj_uevent_env');
    const envp = type.addr(env, 'envp');
    const count = type.get(env, 'envp_idx');
    return Array.from({ length: count }, (_, i) => k.space.cstring(k.space.loadPtr(envp + i * 8)));
  }

  private addFormatted(env: Ptr, fmt: Ptr, args: VarArgs): number {
    return this.addVar(env, this.k.get(Vsprintf).text(fmt, args));
  }

  private *sendNumbered(kobj: Ptr, action: number, extra: Ptr): Sleepable<number> {
    const name = ACTIONS[action];
    if (name === undefined) return -EINVAL;
    const { space } = this.k;
    const texts: string[] = [];
    for (let at = extra; at !== 0 && space.loadPtr(at) !== 0; at += 8)
      texts.push(space.cstring(space.loadPtr(at)));
    return yield* this.send(kobj, name, texts);
  }

  private *subsystem(kobj: Ptr, kset: Ptr, ops: Ptr): Sleepable<string> {
    const { k } = this;
    const callbacks = k.struct('kset_uevent_ops');
    if (ops === 0 || callbacks.get(ops, 'name') === 0)
      return kobjectName(k, k.struct('kset').addr(kset, 'kobj'));
    const text = yield* callbacks.call(ops, 'name', kobj);
    return text === 0 ? '' : k.space.cstring(text);
  }

  private path(kobj: Ptr): string | undefined {
    const kobject = this.k.struct('kobject');
    let path = '';
    for (let at = kobj; at !== 0; at = kobject.get(at, 'parent')) {
      if (kobject.get(at, 'name') === 0) return undefined;
      path = `/${kobjectName(this.k, at)}${path}`;
    }
    return path;
  }
}
