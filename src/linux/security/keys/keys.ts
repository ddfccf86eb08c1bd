import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { EBADMSG, EINVAL, EKEYREVOKED, ENODEV, ENOKEY, ENOMEM, ENOTDIR } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { KeyTypes } from './key-types.js';
import { certificateNames } from './x509.js';

/** key.state: a key that has its payload (KEY_IS_POSITIVE). */
const POSITIVE = 1;
const UNINSTANTIATED = 0;
/** Bits of key.flags: dead and revoked. */
const KEY_FLAG_DEAD = 1;
const KEY_FLAG_REVOKED = 2;
const FIRST_SERIAL = 0x1000_0001;

interface KeyState {
  readonly type: string;
  /** Keys that a keyring links to. */
  readonly links: Ptr[];
}

/** Keys and keyrings (security/keys/key.c, keyring.c; Documentation/security/keys/core.rst). */
export class Keys implements Subsystem {
  static readonly builtIn = 'CONFIG_KEYS';

  private readonly states = new Map<Ptr, KeyState>();
  private nextSerial = FIRST_SERIAL;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    key_alloc: (type: Ptr, description: Ptr, uid: number, gid: number, _cred: Ptr, perm: number) =>
      this.allocate(type, this.k.space.cstring(description), uid, gid, perm),
    keyring_alloc: (
      description: Ptr,
      uid: number,
      gid: number,
      _cred: Ptr,
      perm: number,
      _flags: number,
      restriction: Ptr,
      destination: Ptr,
    ) => this.allocateKeyring(this.k.space.cstring(description), uid, gid, perm, restriction, destination),
    key_create_or_update: (
      ring: Ptr,
      type: Ptr,
      description: Ptr,
      payload: Ptr,
      length: number,
      perm: number,
    ) => this.createOrUpdate(ring, this.k.space.cstring(type), description, payload, length, perm),
    key_put: (key: Ptr) => this.put(key),
    key_revoke: (key: Ptr) => this.setFlag(key, KEY_FLAG_REVOKED),
    key_invalidate: (key: Ptr) => this.setFlag(key, KEY_FLAG_DEAD),
    key_validate: (key: Ptr) => (this.hasFlag(key, KEY_FLAG_REVOKED) ? -EKEYREVOKED : 0),
    key_link: (ring: Ptr, key: Ptr) => this.link(ring, key),
    key_unlink: (ring: Ptr, key: Ptr) => this.unlink(ring, key),
    keyring_clear: (ring: Ptr) => this.clear(ring),
    keyring_search: (ring: Ptr, type: Ptr, description: Ptr) =>
      this.search(ring, type, this.k.space.cstring(description)),
  };

  /** key_alloc(): a key without payload. */
  allocate(type: Ptr, description: string, uid: number, gid: number, perm: number): Ptr {
    const { k, key } = this;
    const at = k.slab.allocateBytes(key.size, true);
    const text = k.slab.allocateBytes(description.length + 1, true);
    if (at === 0 || text === 0) return errPtr(ENOMEM);
    k.space.storeCstring(text, description);
    key.set(at, 'usage.refs.counter', 1);
    key.set(at, 'serial', this.nextSerial++);
    key.set(at, 'type', type);
    key.set(at, 'description', text);
    key.set(at, 'uid', uid);
    key.set(at, 'gid', gid);
    key.set(at, 'perm', perm);
    key.set(at, 'state', UNINSTANTIATED);
    this.states.set(at, { type: k.get(KeyTypes).name(type), links: [] });
    return at;
  }

  /** key_get() */
  hold(key: Ptr): void {
    if (key !== 0) this.key.set(key, 'usage.refs.counter', this.key.get(key, 'usage.refs.counter') + 1);
  }

  /** key_put(): the last reference destroys the payload and, of a keyring, the links. */
  *put(key: Ptr): Sleepable<void> {
    if (key === 0) return;
    const left = this.key.get(key, 'usage.refs.counter') - 1;
    this.key.set(key, 'usage.refs.counter', left);
    if (left > 0) return;
    const { k } = this;
    yield* this.clear(key);
    const type = this.key.get(key, 'type');
    const types = k.struct('key_type');
    if (type !== 0 && types.get(type, 'destroy') !== 0 && this.key.get(key, 'state') === POSITIVE)
      yield* types.call(type, 'destroy', key);
    this.states.delete(key);
    k.slab.free(this.key.get(key, 'description'));
    k.slab.free(key);
  }

  private *allocateKeyring(
    description: string,
    uid: number,
    gid: number,
    perm: number,
    restriction: Ptr,
    destination: Ptr,
  ): Sleepable<Ptr> {
    const ring = this.allocate(this.k.symbol('key_type_keyring'), description, uid, gid, perm);
    if (isErr(ring)) return ring;
    this.key.set(ring, 'state', POSITIVE);
    this.key.set(ring, 'restrict_link', restriction);
    if (destination !== 0) {
      const error = yield* this.link(destination, ring);
      if (error) {
        yield* this.put(ring);
        return errPtr(-error);
      }
    }
    return ring;
  }

  /** key_create_or_update(): parses the payload, makes a key of it and links it into a keyring. */
  *createOrUpdate(
    ringRef: Ptr,
    typeName: string,
    description: Ptr,
    payload: Ptr,
    length: number,
    perm: number,
  ): Sleepable<Ptr> {
    const { k } = this;
    const ring = ringRef - (ringRef & 1);
    const type = k.get(KeyTypes).find(typeName);
    if (type === undefined) return errPtr(ENODEV);
    if (this.states.get(ring)?.type !== 'keyring') return errPtr(ENOTDIR);
    const bytes = k.space.readable(payload, length).slice();
    if (typeName !== 'asymmetric') throw new Unimplemented(`a new key of type ${typeName}`, '');
    const proposed = asymmetricName(bytes);
    if (proposed === undefined) return errPtr(EBADMSG);
    const text = description === 0 ? proposed : k.space.cstring(description);
    if (text === '') return errPtr(EINVAL);
    const key = this.allocate(type, text, 0, 0, perm);
    if (isErr(key)) return key;
    this.key.set(key, 'state', POSITIVE);
    this.key.set(key, 'datalen', length & 0xffff);
    yield* this.link(ring, key);
    return key + (ringRef & 1);
  }

  /** key_link(): the keyring holds a reference, and only one key of a type with a description. */
  private *link(ring: Ptr, key: Ptr): Sleepable<number> {
    const state = this.states.get(ring);
    if (state?.type !== 'keyring') return -ENOTDIR;
    const old = state.links.find((other) => this.sameName(other, key));
    this.key.set(key, 'usage.refs.counter', this.key.get(key, 'usage.refs.counter') + 1);
    state.links.push(key);
    if (old !== undefined) yield* this.unlink(ring, old);
    return 0;
  }

  private *unlink(ring: Ptr, key: Ptr): Sleepable<number> {
    const state = this.states.get(ring);
    if (state?.type !== 'keyring') return -ENOTDIR;
    const at = state.links.indexOf(key);
    if (at < 0) return -2;
    state.links.splice(at, 1);
    yield* this.put(key);
    return 0;
  }

  private *clear(ring: Ptr): Sleepable<number> {
    for (const key of this.states.get(ring)?.links.splice(0) ?? []) yield* this.put(key);
    return 0;
  }

  private search(ringRef: Ptr, type: Ptr, description: string): Ptr {
    const ring = ringRef - (ringRef & 1);
    const found = this.states
      .get(ring)
      ?.links.find(
        (key) => this.key.get(key, 'type') === type && this.key.string(key, 'description') === description,
      );
    if (found === undefined) return errPtr(ENOKEY);
    this.key.set(found, 'usage.refs.counter', this.key.get(found, 'usage.refs.counter') + 1);
    return found + (ringRef & 1);
  }

  private sameName(a: Ptr, b: Ptr): boolean {
    const { key } = this;
    if (a === b || key.get(a, 'type') !== key.get(b, 'type')) return false;
    return key.string(a, 'description') === key.string(b, 'description');
  }

  private setFlag(key: Ptr, bit: number): void {
    this.key.set(key, 'flags', this.key.get(key, 'flags') | (1 << bit));
  }

  private hasFlag(key: Ptr, bit: number): boolean {
    return (this.key.get(key, 'flags') & (1 << bit)) !== 0;
  }

  private get key(): StructType {
    return this.k.struct('key');
  }
}

/** The description that the asymmetric key type proposes for a certificate. Undefined if it is none. */
function asymmetricName(bytes: Uint8Array): string | undefined {
  const names = certificateNames(bytes);
  if (!names) return undefined;
  const id = [...names.id].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${names.subject}: ${id}`;
}
