import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { StructType } from '../../abi/struct.js';
import type { LinuxKernel } from '../../kernel.js';
import { jhash } from '../hash/jhash.js';
import { compareBytes } from '../string/bytes.js';

/** Buckets of a bucket_table in guest memory, and the chains that hang on them. */
export class BucketTables {
  readonly hashtable: StructType;
  readonly table: StructType;
  private readonly hashBytes: Ptr;
  private readonly hashWords: Ptr;

  constructor(private readonly k: LinuxKernel) {
    this.hashtable = k.struct('rhashtable');
    this.table = k.struct('bucket_table');
    this.hashBytes = k.exports.hostFunction('jhash', 'u:puu', (key: Ptr, length: number, seed: number) =>
      jhash(k.space.readable(key, length), seed),
    );
    this.hashWords = k.exports.hostFunction(
      'rhashtable_jhash2',
      'u:puu',
      (key: Ptr, words: number, seed: number) => jhash(k.space.readable(key, words * 4), seed),
    );
  }

  /** The hash function of tables that name none; its last argument counts what `keyLength` counts. */
  defaultHash(keyBytes: number): { readonly fn: Ptr; readonly keyLength: number } {
    return keyBytes % 4 === 0
      ? { fn: this.hashWords, keyLength: keyBytes / 4 }
      : { fn: this.hashBytes, keyLength: keyBytes };
  }

  allocate(size: number): Ptr {
    const { k, table } = this;
    const ptr = k.slab.allocateBytes(table.offsetOf('buckets') + 8 * size, true);
    if (ptr === 0) return 0;
    table.set(ptr, 'size', size);
    table.set(ptr, 'hash_rnd', k.random.next32());
    list.init(k.space, table.addr(ptr, 'walkers'));
    return ptr;
  }

  current(ht: Ptr): Ptr {
    return this.hashtable.get(ht, 'tbl');
  }

  size(table: Ptr): number {
    return this.table.get(table, 'size');
  }

  bucket(table: Ptr, hash: number): Ptr {
    return this.table.addr(table, 'buckets') + 8 * (hash & (this.size(table) - 1));
  }

  /** The first node of a chain, 0 for none; bit 0 of the bucket is its lock. */
  first(bucket: Ptr): Ptr {
    const { space } = this.k;
    return space.fromAddress(space.load64(bucket) & ~1n);
  }

  /** The node after one, 0 at the end: an odd "pointer". */
  next(node: Ptr): Ptr {
    const { space } = this.k;
    const link = space.load64(node);
    return link & 1n ? 0 : space.fromAddress(link);
  }

  *nodes(bucket: Ptr): Generator<Ptr> {
    for (let node = this.first(bucket); node !== 0; ) {
      const next = this.next(node);
      yield node;
      node = next;
    }
  }

  /** Puts a node in front of a chain. */
  push(bucket: Ptr, node: Ptr): void {
    this.setNext(node, bucket, this.first(bucket));
    this.setFirst(bucket, node);
  }

  /** Links two nodes, or ends the chain of a bucket. */
  setNext(node: Ptr, bucket: Ptr, next: Ptr): void {
    const { space } = this.k;
    space.store64(node, next === 0 ? space.toAddress(bucket) | 1n : space.toAddress(next));
  }

  /** Changes a bucket's first node; whoever holds its lock keeps it. */
  setFirst(bucket: Ptr, node: Ptr): void {
    const { space } = this.k;
    space.store64(bucket, (space.load64(bucket) & 1n) | (node === 0 ? 0n : space.toAddress(node)));
  }

  object(ht: Ptr, node: Ptr): Ptr {
    return node - this.hashtable.get(ht, 'p.head_offset');
  }

  /** The hash of an object, by the table's own functions. */
  *hashObject(ht: Ptr, table: Ptr, object: Ptr): Sleepable<number> {
    const { hashtable } = this;
    if (hashtable.get(ht, 'p.obj_hashfn') === 0)
      return yield* this.hashKey(ht, table, object + hashtable.get(ht, 'p.key_offset'));
    const seed = this.table.get(table, 'hash_rnd');
    return yield* hashtable.call(ht, 'p.obj_hashfn', object, hashtable.get(ht, 'p.key_len'), seed);
  }

  *hashKey(ht: Ptr, table: Ptr, key: Ptr): Sleepable<number> {
    const { k, hashtable } = this;
    const fn = hashtable.get(ht, 'p.hashfn');
    const length = hashtable.get(ht, 'key_len');
    const seed = this.table.get(table, 'hash_rnd');
    if (fn === this.hashWords) return jhash(k.space.readable(key, length * 4), seed);
    if (fn === this.hashBytes) return jhash(k.space.readable(key, length), seed);
    return yield* hashtable.call(ht, 'p.hashfn', key, length, seed);
  }

  /** Whether an object has a key. */
  *matches(ht: Ptr, key: Ptr, object: Ptr): Sleepable<boolean> {
    const { k, hashtable } = this;
    const bytes = hashtable.get(ht, 'p.key_len');
    if (hashtable.get(ht, 'p.obj_cmpfn') === 0)
      return compareBytes(k.space, object + hashtable.get(ht, 'p.key_offset'), key, bytes) === 0;
    const argument = k.struct('rhashtable_compare_arg');
    const ptr = k.slab.allocateBytes(argument.size, true);
    argument.set(ptr, 'ht', ht);
    argument.set(ptr, 'key', key);
    const result = yield* hashtable.call(ht, 'p.obj_cmpfn', ptr, object);
    k.slab.free(ptr);
    return result === 0;
  }
}
