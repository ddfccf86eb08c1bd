import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../kernel/log.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EINVAL, ENOENT, ENOMEM, ENOTEMPTY, EPERM } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { KernLinker } from '../linker/kern-linker.js';
import type { LinkerFile } from '../linker/linker-file.js';
import type { Subsystem } from '../subsystem.js';
import { Environment, numberInEnvironment } from './environment.js';
import { Malloc } from './malloc.js';
import { ROOT, SysctlTree } from './sysctl-tree.js';
import { Tailq } from './tailq.js';

/** What a request is made with, and what it came to. */
export interface SysctlAnswer {
  readonly errno: number;
  readonly value: Uint8Array;
}

/** The nodes that the kernel declares at the top and below, which modules hang theirs on: `sysctl___kern`, `sysctl___hw_usb`. */
const OWN_NODE = /^sysctl___/;
/** Numbers of the top (sys/sys/sysctl.h: CTL_KERN and its like). */
const TOP: Readonly<Record<string, number>> = {
  kern: 1,
  vm: 2,
  vfs: 3,
  net: 4,
  debug: 5,
  hw: 6,
  machdep: 7,
  user: 8,
  p1003_1b: 9,
};
/** Bytes that a value has at most: a module's handler may be told any number. */
const MAX_VALUE_BYTES = 1 << 20;

/** sysctl(9) (sys/kern/kern_sysctl.c). */
export class Sysctls implements Subsystem {
  readonly tree: SysctlTree;
  private nextNumber: number;

  constructor(private readonly k: FreebsdKernel) {
    this.tree = new SysctlTree(k);
    this.nextNumber = k.macro('CTL_AUTO_START');
    k.providers.push((name) => this.ownNode(name));
  }

  readonly exports = {
    sysctl_handle_bool: (oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) =>
      this.integer(oid, arg1, arg2, req, 1, true),
    sysctl_handle_8: (oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) => this.integer(oid, arg1, arg2, req, 1),
    sysctl_handle_16: (oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) => this.integer(oid, arg1, arg2, req, 2),
    sysctl_handle_32: (oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) => this.integer(oid, arg1, arg2, req, 4),
    sysctl_handle_int: (oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) => this.integer(oid, arg1, arg2, req, 4),
    sysctl_handle_64: (oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) => this.integer(oid, arg1, arg2, req, 8),
    sysctl_handle_long: (oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) =>
      this.integer(oid, arg1, arg2, req, 8),
    sysctl_handle_string: (oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) => this.string(oid, arg1, arg2, req),
    sysctl_handle_opaque: (_oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) =>
      this.opaque(arg1, Number(arg2), req),
    sysctl_msec_to_ticks: (_oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) =>
      this.milliseconds(arg1, arg2, req),
    sysctl_usec_to_sbintime: (_oid: Ptr, arg1: Ptr, _arg2: bigint, req: Ptr) =>
      this.sbintime(arg1, req, 1_000_000n),
    sysctl_msec_to_sbintime: (_oid: Ptr, arg1: Ptr, _arg2: bigint, req: Ptr) =>
      this.sbintime(arg1, req, 1000n),
    sysctl_handle_counter_u64: (_oid: Ptr, arg1: Ptr, _arg2: bigint, req: Ptr) => this.counters(arg1, 1, req),
    sysctl_handle_counter_u64_array: (_oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr) =>
      this.counters(arg1, Number(arg2), req),
    sysctl_register_oid: (oid: Ptr) => this.registerGuest(oid),
    sysctl_unregister_oid: (oid: Ptr) => this.unregister(oid),
    sysctl_add_oid: (
      context: Ptr,
      parent: Ptr,
      number: number,
      name: Ptr,
      kind: number,
      arg1: Ptr,
      arg2: bigint,
      handler: Ptr,
      format: Ptr,
      description: Ptr,
      label: Ptr,
    ) => this.add(context, { parent, number, name, kind, arg1, arg2, handler, format, description, label }),
    sysctl_ctx_init: (context: Ptr) => {
      this.context(context).init();
      return 0;
    },
    sysctl_ctx_free: (context: Ptr) => this.freeContext(context),
    sysctl_ctx_entry_add: (context: Ptr, oid: Ptr) => this.addEntry(context, oid),
    sysctl_ctx_entry_find: (context: Ptr, oid: Ptr) => this.entryOf(context, oid) ?? 0,
    sysctl_ctx_entry_del: (context: Ptr, oid: Ptr) => this.deleteEntry(context, oid),
    sysctl_remove_oid: (oid: Ptr, del: number, recurse: number) => this.remove(oid, del !== 0, recurse !== 0),
    sysctl_remove_name: (parent: Ptr, name: Ptr, del: number, recurse: number) => {
      const found = this.tree.named(this.tree.listOf(parent), this.k.space.cstring(name));
      return found === undefined ? ENOENT : this.remove(found, del !== 0, recurse !== 0);
    },
    sysctl_rename_oid: (oid: Ptr, name: Ptr) => {
      this.k.struct('sysctl_oid').set(oid, 'oid_name', this.copyText(name));
    },
    sysctl_wire_old_buffer: () => 0,
    sysctl_wlock: () => {},
    sysctl_wunlock: () => {},
    sysctl_find_oidname: (name: Ptr, list: Ptr) => this.tree.named(list, this.k.space.cstring(name)) ?? 0,
  };

  readonly signatures = {
    ...Object.fromEntries(
      [
        'bool 8 16 32 int 64 long string opaque counter_u64 counter_u64_array'
          .split(' ')
          .map((one) => `sysctl_handle_${one}`),
        ['sysctl_msec_to_ticks', 'sysctl_usec_to_sbintime', 'sysctl_msec_to_sbintime'],
      ]
        .flat()
        .map((name) => [name, 'i:ppqp']),
    ),
    sysctl_add_oid: 'p:ppipipqpppp',
    sysctl_wlock: 'v:',
    sysctl_wunlock: 'v:',
  };

  readonly data = { [ROOT]: (at: Ptr) => this.k.space.storePtr(at, 0) };

  boot(): void {
    const { k } = this;
    k.get(KernLinker).hooks.push({
      loaded: (file) => this.fileLoaded(file),
      unloading: (file) => {
        for (const oid of this.setOf(file)) this.unregister(oid);
      },
    });
    k.get(Environment);
  }

  private get type() {
    return this.k.struct('sysctl_oid');
  }

  /** A node of the kernel's that modules name: it hangs where its name says, whether anything else is below it or not. */
  private ownNode(symbol: string): Ptr | undefined {
    if (!OWN_NODE.test(symbol)) return undefined;
    const known = this.k.variables.find(symbol);
    if (known !== undefined) return known;
    const parts = this.partsOf(symbol.slice('sysctl___'.length));
    return this.node(parts, symbol);
  }

  /** `hw_usb` is usb below hw; names that hold an underscore themselves are told by the kernel's other nodes. */
  private partsOf(path: string): readonly string[] {
    for (let at = path.lastIndexOf('_'); at > 0; at = path.lastIndexOf('_', at - 1))
      if (this.k.target.exports.has(`sysctl___${path.slice(0, at)}`))
        return [...this.partsOf(path.slice(0, at)), path.slice(at + 1)];
    const [top, ...rest] = path.split('_');
    return rest.length > 0 && top in TOP ? [top, rest.join('_')] : [path];
  }

  /** The node of a path of names, made with those above it where it is not there. */
  private node(parts: readonly string[], symbol = `sysctl___${parts.join('_')}`): Ptr {
    const { k } = this;
    const known = k.variables.find(symbol);
    if (known !== undefined) return known;
    const parent = parts.length === 1 ? this.tree.root : this.tree.listOf(this.node(parts.slice(0, -1)));
    const name = parts[parts.length - 1];
    const there = this.tree.named(parent, name);
    const at = k.variable(symbol, this.type.size);
    if (there !== undefined) this.tree.remove(there);
    const { type } = this;
    type.set(at, 'oid_parent', parent);
    type.set(at, 'oid_number', parts.length === 1 ? (TOP[name] ?? this.nextNumber++) : this.nextNumber++);
    type.set(at, 'oid_kind', k.macro('CTLTYPE_NODE') | k.macro('CTLFLAG_RW'));
    type.set(at, 'oid_name', k.constantString(name));
    type.set(at, 'oid_fmt', k.constantString('N'));
    type.set(at, 'oid_descr', k.constantString(''));
    this.tree.insert(at);
    return at;
  }

  /** A leaf of the kernel's own, at a path of names below nodes that are made where they are not there. `number`: as sys/sysctl.h has it. */
  leaf(
    path: string,
    number: number | undefined,
    fields: Readonly<Record<string, number>>,
    format: string,
  ): void {
    const { k, type } = this;
    const parts = path.split('.');
    const at = k.permanent(type.size);
    type.set(at, 'oid_parent', this.tree.listOf(this.node(parts.slice(0, -1))));
    type.set(at, 'oid_number', number ?? this.nextNumber++);
    for (const [field, value] of Object.entries(fields)) type.set(at, field, value);
    type.set(at, 'oid_name', k.constantString(parts[parts.length - 1]));
    type.set(at, 'oid_fmt', k.constantString(format));
    type.set(at, 'oid_descr', k.constantString(''));
    this.tree.insert(at);
  }

  private *fileLoaded(file: LinkerFile): Sleepable<void> {
    for (const oid of this.setOf(file)) {
      yield* this.register(oid);
      // It is in the file's own memory: who called the kernel last has nothing to do with it.
      this.k.origins.forget(oid);
    }
  }

  private setOf(file: LinkerFile): Ptr[] {
    const set = file.set('sysctl_set');
    const all: Ptr[] = [];
    if (set) for (let at = set.start; at < set.stop; at += 8) all.push(this.k.space.loadPtr(at));
    return all;
  }

  private *registerGuest(oid: Ptr): Sleepable<void> {
    this.k.origins.note(oid);
    yield* this.register(oid);
  }

  /** sysctl_register_oid(): a node of the same name is the same node; tunables take their value from the environment. */
  *register(oid: Ptr): Sleepable<void> {
    const { k, type } = this;
    const parent = type.get(oid, 'oid_parent');
    const name = type.string(oid, 'oid_name');
    const same = this.tree.named(parent, name);
    if (same !== undefined) {
      const isNode = (one: Ptr): boolean =>
        (type.get(one, 'oid_kind') & k.macro('CTLTYPE')) === k.macro('CTLTYPE_NODE');
      if (isNode(same) && isNode(oid)) type.set(same, 'oid_refcnt', type.get(same, 'oid_refcnt') + 1);
      else k.log.line(`can't re-use a leaf (${this.tree.pathOf(same)})!`, LOGLEVEL_WARNING);
      return;
    }
    const number = type.get(oid, 'oid_number');
    if (number === k.macro('OID_AUTO')) type.set(oid, 'oid_number', this.nextNumber++);
    type.set(oid, 'oid_refcnt', type.get(oid, 'oid_refcnt') + 1);
    this.tree.insert(oid);
    if (
      type.get(oid, 'oid_kind') & k.macro('CTLFLAG_TUN') &&
      !(type.get(oid, 'oid_kind') & k.macro('CTLFLAG_NOFETCH'))
    )
      yield* this.fetchTunable(oid);
  }

  /** sysctl_load_tunable_by_oid_locked(). */
  private *fetchTunable(oid: Ptr): Sleepable<void> {
    const { k, type } = this;
    const text = k.environment.get(this.tree.pathOf(oid));
    if (text === undefined) return;
    const kind = type.get(oid, 'oid_kind') & k.macro('CTLTYPE');
    const value =
      kind === k.macro('CTLTYPE_STRING') ? bytesOf(text) : this.encode(kind, numberInEnvironment(text));
    if (value) yield* this.request(oid, value);
  }

  private encode(kind: number, number: bigint | undefined): Uint8Array | undefined {
    if (number === undefined) return undefined;
    const width = this.widthOf(kind);
    const out = new Uint8Array(8);
    new DataView(out.buffer).setBigUint64(0, BigInt.asUintN(64, number), true);
    return width === 0 ? undefined : out.subarray(0, width);
  }

  /** Bytes of a value of a type of sysctl; 0 for what is no number. */
  widthOf(kind: number): number {
    const { k } = this;
    const widths: Readonly<Record<string, number>> = {
      CTLTYPE_INT: 4,
      CTLTYPE_UINT: 4,
      CTLTYPE_LONG: 8,
      CTLTYPE_ULONG: 8,
      CTLTYPE_S8: 1,
      CTLTYPE_U8: 1,
      CTLTYPE_S16: 2,
      CTLTYPE_U16: 2,
      CTLTYPE_S32: 4,
      CTLTYPE_U32: 4,
      CTLTYPE_S64: 8,
      CTLTYPE_U64: 8,
    };
    const name = Object.keys(widths).find((one) => k.macro(one) === kind);
    return name === undefined ? 0 : widths[name];
  }

  private unregister(oid: Ptr): void {
    const { k } = this;
    if (this.tree.remove(oid)) k.origins.forget(oid);
  }

  /** Reads a node, or writes it where a value is given: what sysctl(3) does with it. */
  *request(oid: Ptr, write?: Uint8Array): Sleepable<SysctlAnswer> {
    const { k, type } = this;
    const kind = type.get(oid, 'oid_kind');
    const handler = type.get(oid, 'oid_handler');
    const nothing = new Uint8Array();
    if (handler === 0) return { errno: k.macro('EISDIR'), value: nothing };
    const loading = k.executor.current === undefined;
    const writable = (kind & (k.macro('CTLFLAG_WR') | k.macro('CTLFLAG_TUN'))) !== 0;
    if (write && !writable && !loading) return { errno: EPERM, value: nothing };
    const req = new SysctlRequest(k, write);
    this.requests.set(req.at, req);
    const isNode = (kind & k.macro('CTLTYPE')) === k.macro('CTLTYPE_NODE');
    const [arg1, arg2] = isNode ? [0, 0n] : [type.get(oid, 'oid_arg1'), type.getBig(oid, 'oid_arg2')];
    type.set(oid, 'oid_running', type.get(oid, 'oid_running') + 1);
    const errno = yield* k.callAs('i:ppqp', handler, oid, arg1, BigInt.asIntN(64, arg2), req.at);
    type.set(oid, 'oid_running', type.get(oid, 'oid_running') - 1);
    this.requests.delete(req.at);
    const value = req.output();
    req.free();
    return { errno: errno === k.macro('ENOMEM') && value.length > 0 ? ENOMEM : errno, value };
  }

  private readonly requests = new Map<Ptr, SysctlRequest>();

  /** SYSCTL_OUT(). */
  *out(req: Ptr, bytes: Uint8Array): Sleepable<number> {
    const own = this.requests.get(req);
    if (own) {
      own.put(bytes);
      return 0;
    }
    const { k } = this;
    const at = k.slab.allocateBytes(Math.max(1, bytes.length), false);
    k.space.bytes.set(bytes, at);
    const errno = yield* k.struct('sysctl_req').call(req, 'oldfunc', req, at, bytes.length);
    k.slab.free(at);
    return errno;
  }

  private hasNew(req: Ptr): boolean {
    return this.k.struct('sysctl_req').get(req, 'newptr') !== 0;
  }

  /** SYSCTL_IN(): undefined where there is less. */
  private take(req: Ptr, bytes: number): Uint8Array | undefined {
    const type = this.k.struct('sysctl_req');
    const [at, length, index] = ['newptr', 'newlen', 'newidx'].map((member) => type.get(req, member));
    if (length - index < bytes) return undefined;
    type.set(req, 'newidx', index + bytes);
    return this.k.space.bytes.slice(at + index, at + index + bytes);
  }

  private *integer(
    _oid: Ptr,
    arg1: Ptr,
    arg2: bigint,
    req: Ptr,
    bytes: number,
    truth = false,
  ): Sleepable<number> {
    const { space } = this.k;
    const value = new Uint8Array(8);
    if (arg1 === 0) new DataView(value.buffer).setBigInt64(0, arg2, true);
    else value.set(space.readable(arg1, bytes));
    const error = yield* this.out(req, value.subarray(0, bytes));
    if (error !== 0 || !this.hasNew(req)) return error;
    if (arg1 === 0) return EPERM;
    const given = this.take(req, bytes);
    if (!given) return EINVAL;
    space.writable(arg1, bytes).set(truth ? Uint8Array.of(Number(given[0] !== 0)) : given);
    return 0;
  }

  private *string(_oid: Ptr, arg1: Ptr, arg2: bigint, req: Ptr): Sleepable<number> {
    const { space } = this.k;
    const text = space.cstring(arg1, arg2 === 0n ? undefined : Number(arg2));
    const error = yield* this.out(req, bytesOf(`${text}\0`));
    if (error !== 0 || !this.hasNew(req)) return error;
    const type = this.k.struct('sysctl_req');
    const length = type.get(req, 'newlen') - type.get(req, 'newidx');
    if (arg2 === 0n) return EPERM;
    if (length >= Number(arg2)) return EINVAL;
    const given = this.take(req, length) ?? new Uint8Array();
    const out = space.writable(arg1, length + 1);
    out.set(given);
    out[length] = 0;
    return 0;
  }

  private *opaque(arg1: Ptr, bytes: number, req: Ptr): Sleepable<number> {
    const size = Math.min(bytes, MAX_VALUE_BYTES);
    const error = yield* this.out(req, this.k.space.readable(arg1, size).slice());
    if (error !== 0 || !this.hasNew(req)) return error;
    const given = this.take(req, size);
    if (!given) return EINVAL;
    this.k.space.writable(arg1, size).set(given);
    return 0;
  }

  /** A variable in ticks, shown in milliseconds. */
  private *milliseconds(arg1: Ptr, _arg2: bigint, req: Ptr): Sleepable<number> {
    const { space } = this.k;
    const hz = space.load32(this.k.variable('hz'));
    const value = new DataView(new ArrayBuffer(4));
    value.setInt32(0, Math.floor((space.loadInt32(arg1) * 1000) / hz), true);
    const error = yield* this.out(req, new Uint8Array(value.buffer));
    if (error !== 0 || !this.hasNew(req)) return error;
    const given = this.take(req, 4);
    if (!given) return EINVAL;
    const ms = new DataView(given.buffer, given.byteOffset).getInt32(0, true);
    space.store32(arg1, Math.floor((ms * hz) / 1000));
    return 0;
  }

  private *sbintime(arg1: Ptr, req: Ptr, unit: bigint): Sleepable<number> {
    const { space } = this.k;
    const value = new DataView(new ArrayBuffer(8));
    value.setBigInt64(0, (BigInt.asIntN(64, space.load64(arg1)) * unit) >> 32n, true);
    const error = yield* this.out(req, new Uint8Array(value.buffer));
    if (error !== 0 || !this.hasNew(req)) return error;
    const given = this.take(req, 8);
    if (!given) return EINVAL;
    const units = new DataView(given.buffer, given.byteOffset).getBigInt64(0, true);
    space.store64(arg1, BigInt.asUintN(64, (units << 32n) / unit));
    return 0;
  }

  /** counter(9)s: `arg1` is where the first is told. Writing sets them to 0. */
  private *counters(arg1: Ptr, count: number, req: Ptr): Sleepable<number> {
    const { k } = this;
    const base = k.space.toAddress(k.processes.pcpuAt);
    const places = Array.from({ length: Math.min(count, MAX_VALUE_BYTES / 8) }, (_, i) =>
      k.space.fromAddress(BigInt.asUintN(64, k.space.load64(arg1 + 8 * i) + base)),
    );
    const out = new DataView(new ArrayBuffer(8 * places.length));
    places.forEach((at, i) => {
      out.setBigUint64(8 * i, k.space.load64(at), true);
    });
    const error = yield* this.out(req, new Uint8Array(out.buffer));
    if (error !== 0 || !this.hasNew(req)) return error;
    for (const at of places) k.space.store64(at, 0n);
    return 0;
  }

  private copyText(text: Ptr): Ptr {
    const { k } = this;
    return text === 0 ? 0 : k.get(Malloc).exports.strdup(text, k.variable('M_TEMP'));
  }

  /** sysctl_add_oid(). */
  private *add(
    context: Ptr,
    node: {
      readonly parent: Ptr;
      readonly number: number;
      readonly name: Ptr;
      readonly kind: number;
      readonly arg1: Ptr;
      readonly arg2: bigint;
      readonly handler: Ptr;
      readonly format: Ptr;
      readonly description: Ptr;
      readonly label: Ptr;
    },
  ): Sleepable<Ptr> {
    const { k, type } = this;
    if (node.parent === 0) return 0;
    const name = k.space.cstring(node.name);
    const same = this.tree.named(node.parent, name);
    if (same !== undefined) {
      if ((type.get(same, 'oid_kind') & k.macro('CTLTYPE')) !== k.macro('CTLTYPE_NODE')) {
        k.log.line(`sysctl_add_oid: can't re-use a leaf (${this.tree.pathOf(same)})!`, LOGLEVEL_WARNING);
        return 0;
      }
      type.set(same, 'oid_refcnt', type.get(same, 'oid_refcnt') + 1);
      if (context !== 0) this.addEntry(context, same);
      return same;
    }
    const oid = k
      .get(Malloc)
      .malloc(type.size, k.variable('M_TEMP'), k.macro('M_WAITOK') | k.macro('M_ZERO'));
    type.set(oid, 'oid_parent', node.parent);
    type.set(oid, 'oid_number', node.number);
    type.set(oid, 'oid_refcnt', 0);
    type.set(oid, 'oid_handler', node.handler);
    type.set(oid, 'oid_kind', k.macro('CTLFLAG_DYN') | node.kind);
    type.set(oid, 'oid_arg1', node.arg1);
    type.setBig(oid, 'oid_arg2', node.arg2);
    type.set(oid, 'oid_name', this.copyText(node.name));
    type.set(oid, 'oid_fmt', node.format);
    type.set(oid, 'oid_descr', this.copyText(node.description));
    type.set(oid, 'oid_label', this.copyText(node.label));
    if (context !== 0) this.addEntry(context, oid);
    k.origins.note(oid);
    yield* this.register(oid);
    return oid;
  }

  private context(context: Ptr): Tailq {
    return new Tailq(this.k, context, this.k.struct('sysctl_ctx_entry').offsetOf('link'));
  }

  private addEntry(context: Ptr, oid: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('sysctl_ctx_entry');
    const entry = k.get(Malloc).malloc(type.size, k.variable('M_TEMP'), k.macro('M_WAITOK'));
    type.set(entry, 'entry', oid);
    // TAILQ_INSERT_HEAD(): what was added last is removed first.
    const queue = this.context(context);
    if (queue.first === 0) queue.append(entry);
    else queue.insertBefore(queue.first, entry);
    return entry;
  }

  private entryOf(context: Ptr, oid: Ptr): Ptr | undefined {
    const type = this.k.struct('sysctl_ctx_entry');
    return [...this.context(context).entries()].find((entry) => type.get(entry, 'entry') === oid);
  }

  private deleteEntry(context: Ptr, oid: Ptr): number {
    const entry = this.entryOf(context, oid);
    if (entry === undefined) return ENOENT;
    this.context(context).remove(entry);
    this.k.get(Malloc).free(entry, this.k.variable('M_TEMP'));
    return 0;
  }

  private freeContext(context: Ptr): number {
    const { k } = this;
    const type = k.struct('sysctl_ctx_entry');
    let error = 0;
    for (const entry of [...this.context(context).entries()]) {
      error ||= this.remove(type.get(entry, 'entry'), true, false);
      k.get(Malloc).free(entry, k.variable('M_TEMP'));
    }
    this.context(context).init();
    return error;
  }

  /** sysctl_remove_oid(): nodes that others use stay. */
  private remove(oid: Ptr, del: boolean, recurse: boolean): number {
    const { k, type } = this;
    if ((type.get(oid, 'oid_kind') & k.macro('CTLFLAG_DYN')) === 0) {
      k.log.line(
        `Warning: can't remove non-dynamic nodes (${type.string(oid, 'oid_name')})!`,
        LOGLEVEL_WARNING,
      );
      return EINVAL;
    }
    const isNode = (type.get(oid, 'oid_kind') & k.macro('CTLTYPE')) === k.macro('CTLTYPE_NODE');
    const last = type.get(oid, 'oid_refcnt') === 1;
    if (isNode && last)
      for (const child of [...this.tree.below(this.tree.listOf(oid))]) {
        if (!recurse) {
          k.log.line(
            `Warning: failed attempt to remove oid ${this.tree.name(oid)} with child ${this.tree.name(child)}`,
            LOGLEVEL_WARNING,
          );
          return ENOTEMPTY;
        }
        const error = this.remove(child, del, recurse);
        if (error !== 0) return error;
      }
    type.set(oid, 'oid_refcnt', type.get(oid, 'oid_refcnt') - 1);
    if (!last) return 0;
    this.unregister(oid);
    if (!del) return 0;
    for (const member of ['oid_name', 'oid_descr', 'oid_label'])
      k.get(Malloc).free(type.get(oid, member), k.variable('M_TEMP'));
    k.get(Malloc).free(oid, k.variable('M_TEMP'));
    return 0;
  }

  *holds(): Generator<Holding> {
    const { type } = this;
    for (const { oid, path } of this.tree.all()) {
      const uses = ['oid_handler', 'oid_arg1'].map((member) => type.get(oid, member));
      yield { kind: 'sysctl', at: oid, uses, by: this.k.origins.of(oid), name: () => path };
    }
  }
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** A request of the base kernel's own: what handlers put goes to a list here, what they take is a copy of what was given. */
class SysctlRequest {
  readonly at: Ptr;
  private readonly given: Ptr;
  private readonly pieces: Uint8Array[] = [];

  constructor(
    private readonly k: FreebsdKernel,
    write: Uint8Array | undefined,
  ) {
    const type = k.struct('sysctl_req');
    this.at = k.slab.allocateBytes(type.size, true);
    this.given = write ? k.slab.allocateBytes(write.length + 1, true) : 0;
    if (write) k.space.bytes.set(write, this.given);
    type.set(this.at, 'td', k.curthread);
    type.set(this.at, 'oldptr', 0);
    type.set(this.at, 'oldlen', MAX_VALUE_BYTES);
    type.set(this.at, 'validlen', MAX_VALUE_BYTES);
    type.set(this.at, 'newptr', this.given);
    type.set(this.at, 'newlen', write?.length ?? 0);
    const oldfunc = (_req: Ptr, from: Ptr, bytes: number): number => this.putGuest(from, bytes);
    const newfunc = (_req: Ptr, to: Ptr, bytes: number): number => this.takeGuest(to, bytes);
    type.set(
      this.at,
      'oldfunc',
      k.exports.hostFunction('sysctl_old_kernel', 'i:ppL', (req: Ptr, from: Ptr, bytes: number) =>
        SysctlRequest.of(k, req).old(req, from, bytes),
      ),
    );
    type.set(
      this.at,
      'newfunc',
      k.exports.hostFunction('sysctl_new_kernel', 'i:ppL', (req: Ptr, to: Ptr, bytes: number) =>
        SysctlRequest.of(k, req).new(req, to, bytes),
      ),
    );
    SysctlRequest.live.set(
      k,
      (SysctlRequest.live.get(k) ?? new Map()).set(this.at, { old: oldfunc, new: newfunc }),
    );
  }

  private static readonly live = new WeakMap<
    FreebsdKernel,
    Map<
      Ptr,
      {
        old: (req: Ptr, from: Ptr, bytes: number) => number;
        new: (req: Ptr, to: Ptr, bytes: number) => number;
      }
    >
  >();

  private static of(k: FreebsdKernel, req: Ptr) {
    const found = SysctlRequest.live.get(k)?.get(req);
    if (!found) return k.panic(`0x${k.space.toAddress(req).toString(16)} is no request of sysctl`);
    return found;
  }

  put(bytes: Uint8Array): void {
    this.pieces.push(bytes.slice());
    const type = this.k.struct('sysctl_req');
    type.set(this.at, 'oldidx', type.get(this.at, 'oldidx') + bytes.length);
  }

  private putGuest(from: Ptr, bytes: number): number {
    if (bytes > MAX_VALUE_BYTES) return ENOMEM;
    if (bytes > 0) this.put(this.k.space.readable(from, bytes));
    return 0;
  }

  private takeGuest(to: Ptr, bytes: number): number {
    const type = this.k.struct('sysctl_req');
    if (this.given === 0) return 0;
    const [length, index] = [type.get(this.at, 'newlen'), type.get(this.at, 'newidx')];
    if (length - index < bytes) return EINVAL;
    this.k.space.writable(to, bytes).set(this.k.space.readable(this.given + index, bytes));
    type.set(this.at, 'newidx', index + bytes);
    return 0;
  }

  output(): Uint8Array {
    const out = new Uint8Array(this.pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of this.pieces) {
      out.set(piece, at);
      at += piece.length;
    }
    return out;
  }

  free(): void {
    SysctlRequest.live.get(this.k)?.delete(this.at);
    if (this.given !== 0) this.k.slab.free(this.given);
    this.k.slab.free(this.at);
  }
}
