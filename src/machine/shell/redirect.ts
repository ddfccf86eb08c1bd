import type { Sleepable } from '../../kernel/effects.js';
import { ENOENT, strerror } from '../../kernel/errno.js';
import { O_APPEND, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } from '../../linux/fs/flags.js';
import { absolute, type Expansion, expandText } from './expand.js';
import type { Sink, Source } from './io.js';
import type { Redirection } from './syntax.js';

/** Standard input, output and error. */
export interface Streams {
  readonly source: Source;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

export interface Redirected {
  readonly streams: Streams;
  /** Why it could not be done. */
  readonly problem?: string;
}

const HOW = {
  read: O_RDONLY,
  write: O_WRONLY | O_CREAT | O_TRUNC,
  append: O_WRONLY | O_CREAT | O_APPEND,
  update: O_RDWR | O_CREAT,
} as const;

/** Applies redirections in their order. Descriptors that are to be closed afterwards go into `opened`. */
export function* redirect(
  redirections: readonly Redirection[],
  streams: Streams,
  expansion: Expansion,
  opened: number[],
): Sleepable<Redirected> {
  let current = streams;
  for (const redirection of redirections) {
    if (redirection.descriptor > 2)
      return { streams: current, problem: `descriptor ${redirection.descriptor}: only 0, 1 and 2 are there` };
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
  { vfs, directory }: Expansion,
  opened: number[],
): Sleepable<Streams | string> {
  if (mode === 'here')
    return { ...current, source: { kind: 'bytes', bytes: new TextEncoder().encode(target), at: 0 } };
  if (mode === 'duplicate') return duplicate(descriptor, target, current);
  if (target === '/dev/null' && mode !== 'read') return withSink(descriptor, { kind: 'null' }, current);
  const fd = yield* vfs.open(absolute(target, directory), HOW[mode]);
  if (fd < 0) {
    const why = fd === -ENOENT ? (mode === 'read' ? 'no such file' : 'nonexistent directory') : strerror(-fd);
    return `can't ${mode === 'read' ? 'open' : 'create'} ${target}: ${why}`;
  }
  opened.push(fd);
  if (descriptor === 0) return { ...current, source: { kind: 'file', fd } };
  return withSink(descriptor, { kind: 'file', fd, pieces: [] }, current);
}

function duplicate(descriptor: number, target: string, current: Streams): Streams | string {
  if (target === '-')
    return descriptor === 0
      ? { ...current, source: { kind: 'nothing' } }
      : withSink(descriptor, { kind: 'null' }, current);
  if (descriptor === 0 && target === '0') return current;
  const sink = target === '1' ? current.stdout : target === '2' ? current.stderr : undefined;
  if (!sink || descriptor === 0) return `${target}: bad descriptor`;
  return withSink(descriptor, sink, current);
}

function withSink(descriptor: number, sink: Sink, current: Streams): Streams {
  return descriptor === 2 ? { ...current, stderr: sink } : { ...current, stdout: sink };
}
