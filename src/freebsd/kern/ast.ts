import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

type Work = () => Sleepable<void>;

/** What a thread has to do before it returns to its program (sys/kern/subr_trap.c). */
export class Asts implements Subsystem {
  private readonly scheduled = new Map<Task, Set<Work>>();
  /** What a module does at a kind of AST, by its number. */
  private readonly handlers = new Map<number, { readonly fn: Ptr; readonly work: Work }>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    ast_register: partly(
      'it runs where ast_sched() was called, whatever td_pflags says',
      (ast: number, _flags: number, _tdp: number, fn: Ptr) => this.register(ast, fn),
    ),
    ast_deregister: (ast: number) => {
      this.k.origins.forget(this.handlers.get(ast)?.fn ?? 0);
      this.handlers.delete(ast);
    },
    ast_sched: (thread: Ptr, ast: number) => this.scheduleAst(thread, ast),
    ast_sched_locked: (thread: Ptr, ast: number) => this.scheduleAst(thread, ast),
    ast_unsched_locked: (thread: Ptr, ast: number) => {
      const task = this.k.processes.taskOf(thread);
      const handler = this.handlers.get(ast);
      if (task && handler) this.scheduled.get(task)?.delete(handler.work);
    },
  };

  boot(): void {
    this.k.processes.onExit((task) => this.scheduled.delete(task));
  }

  private register(ast: number, fn: Ptr): void {
    const { k } = this;
    const work = (): Sleepable<void> => this.call(fn, ast);
    this.handlers.set(ast, { fn, work });
    k.origins.note(fn);
  }

  private *call(fn: Ptr, ast: number): Sleepable<void> {
    yield* this.k.callAs('v:pi', fn, this.k.curthread, 1 << ast);
  }

  private scheduleAst(thread: Ptr, ast: number): void {
    const task = this.k.processes.taskOf(thread);
    const handler = this.handlers.get(ast);
    if (task && handler) this.add(task, handler.work);
  }

  private add(task: Task, work: Work): void {
    const works = this.scheduled.get(task) ?? new Set();
    works.add(work);
    this.scheduled.set(task, works);
  }

  /** Has the running thread do something at the end of its system call, once. */
  schedule(work: Work): void {
    const { current } = this.k.executor;
    if (current) this.add(current, work);
  }

  /** userret(): the end of a system call. */
  *userret(): Sleepable<void> {
    const { current } = this.k.executor;
    if (!current) return;
    const works = this.scheduled.get(current);
    this.scheduled.delete(current);
    for (const work of works ?? []) yield* work();
  }

  *holds(): Generator<Holding> {
    for (const { fn } of this.handlers.values())
      yield { kind: 'AST handler', at: fn, uses: [fn], by: this.k.origins.of(fn), name: () => '' };
  }
}
