import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import type { BaseMachine } from '../base-machine.js';
import type { ShellCommand } from './applet.js';

/** What a file is opened for; 'write' empties it, and all but 'read' make it where it is not there. 'over' writes over what is there. */
export type OpenHow = 'read' | 'write' | 'append' | 'update' | 'over';

/** What a shell's commands ask of a file. `mode` has the type as struct stat has it (S_IFMT). */
export interface ShellFileStatus {
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
}

/** System calls on files of one process. Results that are negative are error numbers of the system's. */
export interface ShellFiles {
  /** A descriptor. */
  openAs(path: string, how: OpenHow): Sleepable<number>;
  close(fd: number): Sleepable<number>;
  /** What the process has left open. */
  closeAll(): Sleepable<void>;
  /** No bytes at the end. */
  read(fd: number, count: number): Sleepable<Uint8Array | number>;
  /** How many bytes were written. */
  write(fd: number, bytes: Uint8Array): Sleepable<number>;
  /** The new offset. `whence`: 0 from the start, 1 from where it is, 2 from the end. */
  lseek(fd: number, offset: number, whence: number): Sleepable<number>;
  /** `follow`: of what a symbolic link leads to. */
  stat(path: string, follow?: boolean): Sleepable<ShellFileStatus | number>;
  readdir(path: string): Sleepable<readonly string[] | number>;
  /** A directory by the path that leads to it without links. */
  directory(path: string): Sleepable<string | number>;
}

/** What a shell is told by the system that it runs on. */
export interface ShellSystem {
  readonly machine: BaseMachine;
  readonly commands: ReadonlyMap<string, ShellCommand>;
  /** For a process of its own. */
  files(): ShellFiles;
  strerror(errno: number): string;
  pid(task: Task): number;
  /** What commands were found to do wrong since the last time, for the person at the machine; '' for nothing. */
  takeFindings(): string;
  /** The kernel is gone: nothing more can be run. */
  halted(): boolean;
  /** Runs a script that is not the user's own: what only the user may reach, files of the host, is out of its reach. */
  confined<T>(body: Sleepable<T>): Sleepable<T>;
}

/** Error numbers that are the same in every Unix. */
export const ENOENT = 2;
export const ENOMEM = 12;
