import type { Command, Redirection, Script, Word } from './syntax.js';

type Variables = Readonly<Record<string, string | undefined>>;

interface Streams {
  readonly out: (data: string | Uint8Array) => void;
  readonly err: (text: string) => void;
}

/** What a script needs to be run. */
export interface ToolScriptHost extends Streams {
  /** Runs a tool with variables that were set for it alone: its status. */
  tool(words: readonly string[], given: Readonly<Record<string, string>>, streams: Streams): number;
}

/** A script that calls tools and nothing else. */
export interface ToolScript {
  /** The exit status. */
  run(host: ToolScriptHost): number;
}

type Run = (host: ToolScriptHost) => number;

/** Something in a script that is more than calls of tools. */
class NotUnderstood extends Error {}

/** Commands of the shell itself that touch nothing. */
const HARMLESS: ReadonlyMap<string, (args: readonly string[], host: Streams) => number> = new Map<
  string,
  (args: readonly string[], host: Streams) => number
>([
  [':', succeed],
  ['true', succeed],
  ['false', () => 1],
  ['echo', echo],
]);

function succeed(): number {
  return 0;
}

function echo(args: readonly string[], host: Streams): number {
  host.out(`${args.join(' ')}\n`);
  return 0;
}

/**
 * Makes a script of tools out of a shell script: simple commands, `;`, `&&`, `||`, `!`, `{ }`, `( )`, `if`, variables, and redirections
 * to /dev/null. Undefined, before anything of it ran, where it has anything else in it, or calls what `isTool` does not know.
 */
export function toolScript(
  script: Script,
  variables: Variables,
  isTool: (words: readonly string[]) => boolean,
): ToolScript | undefined {
  try {
    return { run: new Maker(variables, isTool).script(script) };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return undefined;
  }
}

class Maker {
  constructor(
    private readonly variables: Variables,
    private readonly isTool: (words: readonly string[]) => boolean,
  ) {}

  script(script: Script): Run {
    const chains = script.map((chain): Run => {
      if (chain.background) throw new NotUnderstood();
      const first = this.pipeline(chain.first);
      const rest = chain.rest.map(({ operator, pipeline }) => ({ operator, run: this.pipeline(pipeline) }));
      return (host) =>
        rest.reduce(
          (status, { operator, run }) => ((status === 0) === (operator === '&&') ? run(host) : status),
          first(host),
        );
    });
    return (host) => chains.reduce((_, run) => run(host), 0);
  }

  private pipeline({ commands, negated }: Script[number]['first']): Run {
    if (commands.length !== 1) throw new NotUnderstood();
    const run = this.command(commands[0]);
    return negated ? (host) => (run(host) === 0 ? 1 : 0) : run;
  }

  private command(command: Command): Run {
    const run = this.body(command);
    const redirections = command.redirections.map((redirection) => this.redirection(redirection));
    return (host) =>
      run({ ...redirections.reduce<Streams>((to, apply) => apply(to), host), tool: host.tool });
  }

  private body(command: Command): Run {
    switch (command.kind) {
      case 'simple':
        return this.simple(command);
      case 'group':
      case 'subshell':
        return this.script(command.body);
      case 'if': {
        const clauses = command.clauses.map(({ test, body }) => ({
          test: this.script(test),
          body: this.script(body),
        }));
        const otherwise = this.script(command.otherwise);
        return (host) => (clauses.find(({ test }) => test(host) === 0)?.body ?? otherwise)(host);
      }
      default:
        throw new NotUnderstood();
    }
  }

  private simple({ assignments, words }: Extract<Command, { kind: 'simple' }>): Run {
    const given = Object.fromEntries(
      assignments.map(({ name, value }) => [name, this.fields(value).join(' ')]),
    );
    const fields = words.flatMap((word) => this.fields(word));
    const [name] = fields;
    if (name === undefined) throw new NotUnderstood();
    const harmless = HARMLESS.get(name.replace(/^\/(?:usr\/)?bin\//, ''));
    if (harmless) return (host) => harmless(fields.slice(1), host);
    if (!this.isTool(fields)) throw new NotUnderstood();
    return (host) => host.tool(fields, given, { out: host.out, err: host.err });
  }

  private redirection({ descriptor, mode, target }: Redirection): (to: Streams) => Streams {
    const [name] = this.fields(target);
    if (name === '/dev/null' && (mode === 'write' || mode === 'append')) {
      if (descriptor === 1) return (to) => ({ ...to, out: () => {} });
      if (descriptor === 2) return (to) => ({ ...to, err: () => {} });
    }
    if (name === '/dev/null' && mode === 'read') return (to) => to;
    if (mode === 'duplicate' && descriptor === 2 && name === '1')
      return (to) => ({ ...to, err: (text) => to.out(text) });
    if (mode === 'duplicate' && descriptor === 1 && name === '2')
      return (to) => ({
        ...to,
        out: (data) => to.err(typeof data === 'string' ? data : new TextDecoder().decode(data)),
      });
    throw new NotUnderstood();
  }

  /** The arguments that a word stands for. */
  private fields(word: Word): string[] {
    let text = '';
    let anything = false;
    const found: string[] = [];
    const end = (): void => {
      if (anything) found.push(text);
      text = '';
      anything = false;
    };
    for (const part of word) {
      if (part.kind === 'text' && (part.quoted || !/[*?[~]/.test(part.text))) {
        text += part.text;
        anything = true;
      } else if (
        part.kind === 'parameter' &&
        /^[A-Za-z_]/.test(part.name) &&
        !part.modifier &&
        !part.length
      ) {
        const value = this.variables[part.name] ?? '';
        const pieces = part.quoted ? [value] : value.split(/[ \t\n]+/);
        for (const [i, piece] of pieces.entries()) {
          if (i > 0) end();
          text += piece;
          anything ||= part.quoted || piece !== '';
        }
      } else throw new NotUnderstood();
    }
    end();
    return found;
  }
}
