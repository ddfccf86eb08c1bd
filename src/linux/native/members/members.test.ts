import { describe, expect, it } from 'vitest';
import { type Access, CLEAR, PASS, READ, WRITE } from '../../../target/image/flow/access.js';
import { summarise } from '../../../target/image/flow/flow.js';
import { imageTarget } from '../../../testing/targets.js';
import { ImageGraph } from '../image-graph.js';
import { lowOf } from '../places.js';
import { ImageProgram } from './image-program.js';

const target = await imageTarget();

/** What a function of the image does to structs: `READ net_device.state`. */
function accessesOf(name: string): readonly string[] {
  const graph = new ImageGraph(target!.image!, target!);
  const program = new ImageProgram(target!.image!, graph, target!);
  const { accesses } = summarise(program, graph.entryAt(lowOf(target!.symbols.lookup(name)!.address)));
  return accesses.map(describeAccess).sort();
}

function describeAccess({ struct, offset, size, kind, as, lost }: Access): string {
  const kinds = Object.entries({ READ, WRITE, CLEAR, PASS }).flatMap(([word, bit]) =>
    kind & bit ? [word] : [],
  );
  const where = lost ? 'anywhere' : `${offset}+${size}`;
  return `${kinds.join(' ')} ${struct} ${where}${as && ` as ${as}`}`;
}

/** `READ net_device.state`, as `accessesOf` says it: where the types have the member. */
function access(kind: string, struct: string, path: string, size?: number): string {
  const { offset, type } = target!.types.field(struct, path);
  return `${kind} ${struct} ${offset}+${size ?? target!.types.sizeOf(type)}`;
}

describe.skipIf(target === undefined)('what functions of an image do to structs', () => {
  it('follows an argument, what its members point to and an array that is gone through', () => {
    expect(accessesOf('dev_trans_start')).toEqual(
      [
        access('READ', 'net_device', '_tx'),
        access('READ', 'net_device', 'num_tx_queues'),
        access('READ', 'netdev_queue', 'trans_start'),
      ].sort(),
    );
  });

  it('tells what is written from what is read', () => {
    expect(accessesOf('skb_put')).toEqual(
      [
        access('READ', 'sk_buff', 'tail'),
        access('READ', 'sk_buff', 'data_len'),
        access('READ', 'sk_buff', 'head'),
        access('READ WRITE', 'sk_buff', 'len'),
        access('WRITE', 'sk_buff', 'tail'),
        access('READ', 'sk_buff', 'end'),
      ].sort(),
    );
  });

  it('tells zeros from other values', () => {
    const found = accessesOf('inode_init_always');
    expect(found).toContain(access('CLEAR', 'inode', 'i_flags'));
    expect(found).toContain(access('WRITE', 'inode', 'i_acl'));
  });

  it('finds which bit of a byte is meant', () => {
    const graph = new ImageGraph(target!.image!, target!);
    const program = new ImageProgram(target!.image!, graph, target!);
    const place = graph.entryAt(lowOf(target!.symbols.lookup('netif_carrier_on')!.address));
    const cleared = summarise(program, place).accesses.find(({ kind }) => kind & CLEAR);
    // __LINK_STATE_NOCARRIER
    expect(cleared).toMatchObject({ struct: 'net_device', size: 1, bits: 1 << 2, ...offsetOf('state') });
  });

  it('goes back from a member to what it is part of, if that is given to somebody as such', () => {
    const found = accessesOf('device_rename');
    expect(found).toContain('PASS device 0+64 as kobject');
  });

  it('knows the task that runs', () => {
    expect(accessesOf('thread_group_exited').join()).not.toMatch(/anywhere/);
    expect(accessesOf('current_umask')).toContain(access('READ', 'task_struct', 'fs'));
  });

  it('learns what void * points to from how it is used', () => {
    const { offset } = target!.types.field('cdev', 'list.prev');
    expect(accessesOf('cdev_alloc')).toContain(`WRITE cdev ${offset}+8`);
  });
});

function offsetOf(path: string): { readonly offset: number } {
  return { offset: target!.types.offsetOf('net_device', path) };
}
