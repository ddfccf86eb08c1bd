import { globMatches } from '../../files/glob.js';
import type { Sleepable } from '../../kernel/effects.js';
import { expandPattern, expandText, expandWords } from './expand.js';
import type { Interpreter } from './interpreter.js';
import type { Streams } from './redirect.js';
import { LeaveLoop } from './state.js';
import type { Command, Script } from './syntax.js';

/** Commands made of commands: groups, conditions, loops, choices. Gives the status. */
export function* runCompound(
  shell: Interpreter,
  command: Exclude<Command, { kind: 'simple' }>,
  streams: Streams,
): Sleepable<number> {
  const { state } = shell;
  switch (command.kind) {
    case 'subshell':
      return yield* shell.subshell(command.body, streams);
    case 'function':
      state.functions.set(command.name, command.body);
      return 0;
    case 'group':
      yield* shell.script(command.body, streams);
      return state.status;
    case 'if':
      for (const { test, body } of command.clauses) {
        if (!(yield* holds(shell, test, streams))) continue;
        return yield* bodyOf(shell, body, streams);
      }
      return yield* bodyOf(shell, command.otherwise, streams);
    case 'loop': {
      let status = 0;
      while ((yield* holds(shell, command.test, streams)) !== command.until) {
        const goesOn = yield* turn(shell, command.body, streams);
        status = state.status;
        if (!goesOn) break;
      }
      return status;
    }
    case 'for': {
      const values = command.words
        ? yield* expandWords(command.words, shell.expansion())
        : [...state.positional];
      state.status = 0;
      for (const value of values) {
        state.set(command.name, value);
        if (!(yield* turn(shell, command.body, streams))) break;
      }
      return state.status;
    }
    case 'case': {
      const text = yield* expandText(command.word, shell.expansion());
      for (const { patterns, body } of command.arms)
        for (const pattern of patterns)
          if (globMatches(yield* expandPattern(pattern, shell.expansion()), text))
            return yield* bodyOf(shell, body, streams);
      return 0;
    }
  }
}

function* bodyOf(shell: Interpreter, script: Script, streams: Streams): Sleepable<number> {
  shell.state.status = 0;
  yield* shell.script(script, streams);
  return shell.state.status;
}

/** One turn of a loop: false if it is the last. */
function* turn(shell: Interpreter, body: Script, streams: Streams): Sleepable<boolean> {
  shell.state.loops++;
  yield* shell.giveWay();
  try {
    yield* shell.script(body, streams);
    return true;
  } catch (error) {
    if (!(error instanceof LeaveLoop)) throw error;
    shell.state.status = 0;
    if (--error.levels > 0 && shell.state.loops > 1) throw error;
    return error.again;
  } finally {
    shell.state.loops--;
  }
}

/** A condition: `set -e` does not end the shell in it. */
function* holds(shell: Interpreter, test: Script, streams: Streams): Sleepable<boolean> {
  shell.state.conditions++;
  try {
    yield* shell.script(test, streams);
  } finally {
    shell.state.conditions--;
  }
  return shell.state.status === 0;
}
