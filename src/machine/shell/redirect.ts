import type { Sleepable } from '../../kernel/effects.js';
import { absolute, type Expansion, expandText } from './expand.js';
import type { Sink, Source } from './io.js';
import type { Redirection } from './syntax.js';
import { ENOENT } from './system.js';

/** What a descriptor is good for: a file for both. */
export interface Descriptor {
  readonly reads?: Source;
  readonly writes?: Sink;
}

/**
 * Standard input, output and error, and descriptors from 3 on. `exec` changes those of a shell in place; whoever starts a process
 * gives it a copy.
 */
export interface Streams {
  source: Source;
  stdout: Sink;
  stderr: Sink;
  others?: ReadonlyMap<number, Descriptor>;
}

export interface Redirected {
  readonly streams: Streams;
  /** Why it could not be done. */
  readonly problem?: string;
}

/** Applies redirections in their order. Descriptors that are to be closed afterwards go into `opened`. */
export function* redirect(
  redirections: readonly Redirection[],
  streams: Streams,
  expansion: Expansion,
  opened: number[],
): Sleepable<Redirected> {
  let current = streams;
  for (const redirection of redirections) {
    const target = yield* expandText(redirection.target, expansion);
    const next = yield* one(redirection, target, current, expansion, opened);
    if (typeof next === 'string') return { streams: current, problem: next };
    current = next;
  }
  return { streams: current };
}

function* one(
  { descriptor, mode }: Redirection,
  target: string,
  current: Streams,
  { vfs, directory, strerror }: Expansion,
  opened: number[],
): Sleepable<Streams | string> {
  if (mode === 'here')
    return withDescriptor(
      descriptor,
      { reads: { kind: 'bytes', bytes: new TextEncoder().encode(target), at: 0 } },
      current,
    );
  if (mode === 'duplicate') return duplicate(descriptor, target, current);
  if (target === '/dev/null' && mode !== 'read')
    return withDescriptor(descriptor, { reads: { kind: 'nothing' }, writes: { kind: 'null' } }, current);
  const fd = yield* vfs.openAs(absolute(target, directory), mode);
  if (fd < 0) {
    const why = fd === -ENOENT ? (mode === 'read' ? 'no such file' : 'nonexistent directory') : strerror(-fd);
    return `can't ${mode === 'read' ? 'open' : 'create'} ${target}: ${why}`;
  }
  opened.push(fd);
  const file: Descriptor = { reads: { kind: 'file', fd }, writes: { kind: 'file', fd, pieces: [] } };
  return withDescriptor(descriptor, file, current);
}

function duplicate(descriptor: number, target: string, current: Streams): Streams | string {
  if (target === '-') return withoutDescriptor(descriptor, current);
  const from = /^\d$/.test(target) ? descriptorOf(Number(target), current) : undefined;
  const good = descriptor === 0 ? from?.reads : descriptor < 3 ? from?.writes : from;
  return from && good ? withDescriptor(descriptor, from, current) : `${target}: bad descriptor`;
}

function descriptorOf(number: number, { source, stdout, stderr, others }: Streams): Descriptor | undefined {
  switch (number) {
    case 0:
      return { reads: source };
    case 1:
      return { writes: stdout };
    case 2:
      return { writes: stderr };
  }
  return others?.get(number);
}

function withDescriptor(number: number, to: Descriptor, current: Streams): Streams {
  switch (number) {
    case 0:
      return { ...current, source: to.reads ?? { kind: 'nothing' } };
    case 1:
      return { ...current, stdout: to.writes ?? { kind: 'null' } };
    case 2:
      return { ...current, stderr: to.writes ?? { kind: 'null' } };
  }
  return { ...current, others: new Map(current.others).set(number, to) };
}

function withoutDescriptor(number: number, current: Streams): Streams {
  if (number < 3) return withDescriptor(number, {}, current);
  const others = new Map(current.others);
  others.delete(number);
  return { ...current, others };
}

/**
 * `exec` without a command: the redirections `own`, which opened the files `opened`, are the shell's from now on. `kept` are the files that
 * were opened for it this way; those that no descriptor stands for any more are to be closed.
 */
export function adopt(streams: Streams, own: Streams, opened: number[], kept: Set<number>): number[] {
  Object.assign(streams, own);
  for (const fd of opened.splice(0)) kept.add(fd);
  const used = filesOf(streams);
  const unused = [...kept].filter((fd) => !used.has(fd));
  for (const fd of unused) kept.delete(fd);
  return unused;
}

/** Files that a shell's descriptors stand for. */
function filesOf({ source, stdout, stderr, others }: Streams): ReadonlySet<number> {
  const ends = [
    source,
    stdout,
    stderr,
    ...[...(others?.values() ?? [])].flatMap(({ reads, writes }) => [reads, writes]),
  ];
  return new Set(ends.flatMap((end) => (end?.kind === 'file' ? [end.fd] : [])));
}
