import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import {
  type CommandRunner,
  parseScript,
  runToEnd,
  ShellSyntaxError,
  type Tool,
  type ToolScript,
  toolScript,
} from '../tools.js';
import type { CliHost } from './tool-host.js';

/** Commands of modprobe.d that call modprobe again: beyond this they call each other for ever. */
const MOST_DEEP = 32;

/**
 * Runs install and remove commands of modprobe.d under $MODBOX_MODULE_CALLS. A modprobe.d may come from an image, and nothing from an
 * image decides what runs on the host: of itself only what consists of kmod's own tools is run, and by modbox, in
 * this process, whatever file the command names. The host's shell is for who asks for it in the record.
 */
export class RecordedCommands implements CommandRunner {
  private depth = 0;

  constructor(
    private readonly host: CliHost,
    private readonly tools: ReadonlyMap<string, Tool>,
  ) {}

  byTools(command: string, environment: Readonly<Record<string, string>>): number | undefined {
    const variables = { ...this.host.environment, ...environment };
    const script = this.understood(command, variables);
    if (!script) return undefined;
    if (this.depth >= MOST_DEEP) {
      this.host.err(`modbox: commands of modprobe.d call each other more than ${MOST_DEEP} deep\n`);
      return 1;
    }
    this.depth++;
    try {
      return script.run({
        out: (data) => this.host.out(data),
        err: (text) => this.host.err(text),
        tool: (words, given, streams) => this.tool(words, { ...variables, ...given }, streams),
      });
    } finally {
      this.depth--;
    }
  }

  byHost(command: string, environment: Readonly<Record<string, string>>): number {
    this.host.flush();
    const { status, signal, error } = spawnSync('/bin/sh', ['-c', command], {
      stdio: 'inherit',
      env: { ...process.env, ...environment },
    });
    if (error) throw error;
    return status ?? 128 + (signal ? constants.signals[signal] : 0);
  }

  private understood(
    command: string,
    variables: Readonly<Record<string, string | undefined>>,
  ): ToolScript | undefined {
    try {
      return toolScript(parseScript(command), variables, (words) => this.toolAt(words) !== undefined);
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error;
      return undefined;
    }
  }

  private tool(
    words: readonly string[],
    environment: Readonly<Record<string, string | undefined>>,
    streams: Pick<CliHost, 'out' | 'err'>,
  ): number {
    const found = this.toolAt(words);
    const tool = found && this.tools.get(found.name);
    if (!tool) throw new Error(`${words[0]} was a tool a moment ago`);
    return runToEnd(tool({ ...this.host, ...streams, environment }, found.args));
  }

  /** Which tool words call: by its name, by `modbox NAME`, or by `node .../main.js NAME`. */
  private toolAt(
    words: readonly string[],
  ): { readonly name: string; readonly args: readonly string[] } | undefined {
    const [first = '', second = '', third = ''] = words;
    const called = basename(first);
    if (this.tools.has(called)) return { name: called, args: words.slice(1) };
    if (called === 'modbox' || isThisProgram(first))
      return this.tools.has(second) ? { name: second, args: words.slice(2) } : undefined;
    return called === 'node' && isThisProgram(second) && this.tools.has(third)
      ? { name: third, args: words.slice(3) }
      : undefined;
  }
}

function isThisProgram(path: string): boolean {
  const [, own = ''] = process.argv;
  try {
    return path.includes('/') && realpathSync(path) === realpathSync(own);
  } catch {
    // A name that leads nowhere is not this program.
    return false;
  }
}
