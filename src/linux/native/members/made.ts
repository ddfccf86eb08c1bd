import type { Btf } from '../../../formats/btf/index.js';
import { isPlain } from '../shared-structs.js';
import { KEPT_MEMBERS } from './kept-members.js';

/** Locks: TypeScript takes them where they are, and zero is a lock that nobody holds. */
export const LOCKS: ReadonlySet<string> = new Set(
  'spinlock raw_spinlock qspinlock qrwlock rwlock_t mutex rw_semaphore seqcount seqcount_spinlock seqcount_raw_spinlock seqcount_mutex optimistic_spin_queue rt_mutex_base'.split(
    ' ',
  ),
);

/** Works, timers, queues and the like: parts of anything, which whoever has them makes and TypeScript only uses. */
export const PARTS: ReadonlySet<string> = new Set(
  'work_struct delayed_work wait_queue_head timer_list completion hrtimer kref xarray idr callback_head notifier_block seq_buf swait_queue_head sk_buff_head kthread_work kthread_worker'.split(
    ' ',
  ),
);

/** Whether a struct is always a part of another, of which a type tells wherever it is TypeScript that makes it. */
export const isEmbedded = (struct: string): boolean => PARTS.has(struct) || EMBEDDED.has(struct);

const EMBEDDED: ReadonlySet<string> = new Set([
  'kobject',
  'fwnode_handle',
  'iov_iter',
  'lruvec',
  'crypto_alg',
  'irq_data',
  'wait_queue_entry',
]);

/**
 * Structs that TypeScript makes: those of `roots`, what has one of them as a part, what is part of one, or what a member that TypeScript sets points to, if
 * TypeScript sets members of that too.
 */
export function structsMade(types: Btf, roots: ReadonlySet<string>): ReadonlySet<string> {
  const made = new Set(roots);
  for (const struct of Object.keys(KEPT_MEMBERS))
    if (isFilled(struct) && structsInside(types, struct).some((inside) => roots.has(inside)))
      made.add(struct);
  const pending = [...made];
  while (pending.length > 0) {
    const struct = pending.pop()!;
    for (const found of [...structsInside(types, struct), ...structsPointedTo(types, struct)]) {
      if (made.has(found) || !isFilled(found)) continue;
      made.add(found);
      pending.push(found);
    }
  }
  return made;
}

/** Whether TypeScript sets members of a struct, and it is more than a part of others. */
function isFilled(struct: string): boolean {
  const set = KEPT_MEMBERS[struct]?.[0] ?? '';
  return set !== '' && !isPlain(struct) && !LOCKS.has(struct) && !PARTS.has(struct);
}

function structsInside(types: Btf, struct: string): readonly string[] {
  const found: string[] = [];
  const visit = (ref: number): void => {
    const type = types.classify(ref);
    if (type.kind === 'array') visit(type.of);
    if (type.kind !== 'struct' && type.kind !== 'union') return;
    if (type.name !== '' && type.name !== struct) found.push(type.name);
    for (const member of types.structMembers(type.ref)) visit(member.type);
  };
  const ref = types.findType(`struct ${struct}`);
  if (ref !== undefined) visit(ref);
  return found;
}

function structsPointedTo(types: Btf, struct: string): readonly string[] {
  const paths = (KEPT_MEMBERS[struct]?.[0] ?? '').split(' ').filter((path) => path !== '');
  return paths.flatMap((path) => {
    const field = types.findField(struct, path);
    const type = field && types.classify(field.type);
    if (type?.kind !== 'ptr') return [];
    const pointee = types.classify(type.to);
    return pointee.kind === 'struct' && pointee.name !== '' ? [pointee.name] : [];
  });
}
