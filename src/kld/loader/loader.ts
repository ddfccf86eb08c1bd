import type { FileSource } from '../../files/file-source.js';
import { rawText } from '../../files/raw-text.js';
import { ENOENT } from '../../freebsd/errno.js';
import { getopt } from '../getopt.js';
import { parseCommandLine } from './command-line.js';
import { DEFAULT_CONF, LoaderConfig } from './config.js';
import type { LoaderEnvironment } from './environment.js';
import { FileLoader, type LoadableKernel } from './file-loader.js';
import { helpOn } from './help.js';
import { listFiles, listPreloaded } from './listing.js';
import { loaderStrerror } from './loader-errors.js';
import { KERNEL_TYPE, type PreloadedFile } from './preloaded.js';

/** What the loader sees of a machine that is about to boot. */
export interface LoaderHost {
  /** Absolute paths. */
  readonly files: FileSource;
  readonly environment: LoaderEnvironment;
  /** Undefined where the file at a path is no kernel that can be booted. */
  kernel(path: string): LoadableKernel | undefined;
  out(text: string): void;
}

/** What is handed to the kernel. */
export interface BootRequest {
  readonly kernel: PreloadedFile;
  /** All that is loaded, the kernel among them, in its order. */
  readonly files: readonly PreloadedFile[];
  /** Sorted by name. */
  readonly environment: readonly (readonly [name: string, value: string])[];
}

/** What a command did: 0 where it worked, else what stand/common/bootstrap.h calls CMD_WARN to CMD_FATAL. */
type CommandResult = 0 | 1 | 2 | 3 | 4;
const OK = 0;
const WARN = 1;
const ERROR = 2;
const CRIT = 3;
const FATAL = 4;

interface Command {
  readonly description: string;
  readonly run: (args: readonly string[]) => CommandResult;
}

/** Scripts that include themselves end here. */
const MOST_INCLUDES = 20;

/** FreeBSD's loader: loader.conf(5), and the commands of its prompt. */
export class Loader {
  readonly config: LoaderConfig;
  private readonly loader: FileLoader;
  private readonly commands: ReadonlyMap<string, Command>;
  private message = '';
  private request: BootRequest | undefined;
  private includes = 0;

  constructor(private readonly host: LoaderHost) {
    this.loader = new FileLoader(host);
    this.commands = new Map(Object.entries(this.table()));
    this.config = new LoaderConfig({
      files: host.files,
      environment: host.environment,
      print: (text) => host.out(`${text}\n`),
      execute: (command) => this.execute(command),
      errorText: () => this.message,
    });
  }

  get files(): readonly PreloadedFile[] {
    return this.loader.files;
  }

  /** Reads loader.conf and what belongs to it; nothing is loaded. */
  readConfiguration(file = DEFAULT_CONF): void {
    this.config.load(file);
  }

  /** What is said before the first prompt. */
  greeting(): string {
    return "\nType '?' for a list of commands, 'help' for more detailed help.\n";
  }

  /** The prompt, `OK `: what the variable `prompt` says. */
  prompt(): string {
    const { environment } = this.host;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the loader's own notation
    if (environment.get('prompt') === undefined) environment.set('prompt', '${interpret}');
    if (environment.get('interpret') === undefined) environment.set('interpret', 'OK');
    const text = environment.get('prompt') ?? '>';
    return `${text.replace(/\$\{([^}]*)\}?/g, (_, name: string) => environment.get(name) ?? '')} `;
  }

  /** Runs a line of the prompt. A request to boot is what the line asks for, undefined where the prompt goes on. */
  run(line: string): BootRequest | undefined {
    this.request = undefined;
    if (line.trim() === '') return undefined;
    const words = this.parse(line);
    if (!words) {
      this.host.out(`Failed to parse '${line}'\n`);
      return undefined;
    }
    if (words.length === 0) return undefined;
    // A command that fails is run again: the interpreter takes it for one that it does not know.
    const result = this.perform(words) === OK || this.request ? OK : this.perform(words);
    if (result !== OK) this.host.out(`${this.message}\n`);
    return this.request;
  }

  /** What `boot` without arguments asks for; undefined where there is no kernel, which was told. */
  boot(): BootRequest | undefined {
    return this.run('boot');
  }

  private parse(line: string): readonly string[] | undefined {
    return parseCommandLine(line, (name) => this.host.environment.get(name));
  }

  private execute(line: string): number {
    const words = this.parse(line);
    if (!words) return 1;
    return words.length === 0 ? OK : this.perform(words);
  }

  private perform([name, ...args]: readonly string[]): CommandResult {
    this.message = 'no error message';
    const command = this.commands.get(name);
    return command ? command.run(args) : this.fail('unknown command');
  }

  private fail(message: string, result: CommandResult = ERROR): CommandResult {
    this.message = message;
    return result;
  }

  private table(): Readonly<Record<string, Command>> {
    const command = (description: string, run: Command['run']): Command => ({ description, run });
    return {
      '?': command('list commands', () => this.listCommands()),
      boot: command('boot a file or loaded kernel', (args) => this.bootCommand(args)),
      'boot-conf': command('', (args) => this.bootCommand(args)),
      echo: command('echo arguments', (args) => this.echo(args)),
      help: command('detailed help', (args) => this.help(args)),
      include: command('read commands from a file', (args) => this.include(args)),
      load: command('load a kernel or module', (args) => this.load(args)),
      ls: command('list files', (args) => this.ls(args)),
      lsmod: command('list loaded modules', (args) => this.lsmod(args)),
      more: command('show contents of a file', (args) => this.more(args)),
      set: command('set a variable', (args) => this.set(args)),
      show: command('show variable(s)', (args) => this.show(args)),
      unload: command('unload all modules', () => this.unload()),
      unset: command('unset a variable', (args) => this.unset(args)),
    };
  }

  /** Options of a command; undefined where one is wrong, which was told. */
  private options(args: readonly string[], letters: string) {
    const { options, operands } = getopt(args, letters);
    const given = new Map<string, string>();
    for (const option of options) {
      if ('message' in option) {
        this.host.out(`${option.message}\n`);
        return undefined;
      }
      given.set(option.option, option.argument);
    }
    return { given, operands };
  }

  private listCommands(): CommandResult {
    const lines = [...this.commands]
      .filter(([, { description }]) => description !== '')
      .map(([name, { description }]) => `  ${name.padEnd(15)}  ${description}\n`);
    this.host.out(`Available commands:\n${lines.join('')}`);
    return OK;
  }

  private load(args: readonly string[]): CommandResult {
    if (args.length === 0) return this.fail('no filename specified', CRIT);
    const options = this.options(args, 'dkp:s:t:');
    if (!options) return OK;
    const [name, ...rest] = options.operands;
    const type = options.given.get('t');
    if (type !== undefined) return this.loadRaw(options.operands, type);
    if (name === undefined) return this.fail("can't find ''", CRIT);
    const asKld = options.given.has('k') || name.includes('/');
    const result = asKld
      ? this.loader.loadKld(name, rest.join(' '))
      : this.loader.loadModule(name, undefined, rest.join(' '));
    if (result.errno === 0) return OK;
    return this.fail(result.message ?? this.message, CRIT);
  }

  private loadRaw(operands: readonly string[], type: string): CommandResult {
    const [name] = operands;
    if (operands.length !== 1 || type === '') return this.fail('invalid load type', CRIT);
    if (this.files.some((file) => file.path === name && file.type === type))
      return this.fail(`warning: file '${name}' already loaded`, WARN);
    const result = this.loader.loadRaw(name, type);
    if (result.errno === 0) return OK;
    return this.fail(result.message ?? this.message, type === 'mfs_root' ? FATAL : ERROR);
  }

  private unload(): CommandResult {
    this.loader.unload();
    return OK;
  }

  private lsmod(args: readonly string[]): CommandResult {
    const options = this.options(args, 'v');
    if (options) this.host.out(listPreloaded(this.files, options.given.has('v')));
    return OK;
  }

  private ls(args: readonly string[]): CommandResult {
    const options = this.options(args, 'l');
    if (!options) return OK;
    const shown = listFiles(this.host.files, options.operands[0] ?? '', options.given.has('l'));
    if ('problem' in shown) return this.fail(shown.problem);
    this.host.out(shown.text);
    return OK;
  }

  private set(args: readonly string[]): CommandResult {
    const [setting] = args;
    if (args.length !== 1) return this.fail('wrong number of arguments');
    const equals = setting.indexOf('=');
    if (equals < 0) this.host.environment.set(setting, '');
    else this.host.environment.set(setting.slice(0, equals), setting.slice(equals + 1));
    return OK;
  }

  private unset(args: readonly string[]): CommandResult {
    if (args.length !== 1) return this.fail('wrong number of arguments');
    const errno = this.host.environment.unset(args[0]);
    return errno === 0 ? OK : this.fail(loaderStrerror(errno));
  }

  private show([name]: readonly string[]): CommandResult {
    const { environment } = this.host;
    if (name === undefined) {
      this.host.out(
        environment
          .entries()
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      );
      return OK;
    }
    const value = environment.get(name);
    if (value === undefined) return this.fail(`variable '${name}' not found`);
    this.host.out(`${value}\n`);
    return OK;
  }

  private echo(args: readonly string[]): CommandResult {
    const options = this.options(args, 'n');
    if (options) this.host.out(`${options.operands.join(' ')}${options.given.has('n') ? '' : '\n'}`);
    return OK;
  }

  private more(args: readonly string[]): CommandResult {
    for (const path of args) {
      this.host.out(`*** FILE ${path} BEGIN ***\n`);
      const bytes = this.host.files.read(path);
      if (!bytes) return OK;
      this.host.out(`${rawText(bytes)}*** FILE ${path} END ***\n`);
    }
    return OK;
  }

  private help(args: readonly string[]): CommandResult {
    const bytes = this.host.files.read('/boot/loader.help');
    if (!bytes) {
      this.host.out("Verbose help not available, use '?' to list commands\n");
      return OK;
    }
    if (args.length > 2) return this.fail("usage is 'help <topic> [<subtopic>]");
    const [topic = 'help', subtopic] = args;
    const text = helpOn(rawText(bytes), topic, subtopic);
    if (text === undefined) return this.fail(`no help available for '${topic}'`);
    this.host.out(text);
    return OK;
  }

  /** Scripts of commands, as loader_simp(8) reads them; Lua, which FreeBSD's loader reads here, is not. */
  private include(paths: readonly string[]): CommandResult {
    this.includes++;
    const result = paths.map((path) => this.includeOne(path)).find((one) => one !== OK) ?? OK;
    this.includes--;
    if (result !== OK) this.host.out(this.message);
    return result;
  }

  private includeOne(path: string): CommandResult {
    const bytes = this.host.files.read(path);
    if (!bytes) return this.fail(`can't open '${path}': ${loaderStrerror(ENOENT)}`);
    if (this.includes > MOST_INCLUDES)
      return this.fail(`modbox: more than ${MOST_INCLUDES} scripts in each other`);
    for (const [i, line] of rawText(bytes).split('\n').entries()) {
      if (/^ *\\/.test(line)) continue;
      const quiet = line.startsWith('@');
      const text = quiet || line.startsWith('-') ? line.slice(1) : line;
      if (text === '') continue;
      if (!quiet) this.host.out(`${this.prompt()}${text}\n`);
      const words = this.parse(text);
      if (!words) {
        this.host.out(`${path} line ${i + 1}: parse error\n`);
        return ERROR;
      }
      if (words.length === 0 || this.perform(words) === OK) continue;
      if (this.request) return OK;
      this.host.out(`${words[0]}: ${this.message}\n`);
      if (!line.startsWith('-')) return ERROR;
    }
    return OK;
  }

  /** `boot [KERNEL] [-ARGS]`: loads what loader.conf says, if no kernel is loaded yet or another one is asked for. */
  private bootCommand(args: readonly string[]): CommandResult {
    const kernel = args.filter((arg) => !arg.startsWith('-')).at(-1);
    const flags = args.filter((arg) => arg.startsWith('-'));
    if (kernel !== undefined) this.loader.unload();
    if (this.host.environment.get('kernelname') === undefined) this.config.loadAll(kernel);
    const found = this.files.find((file) => file.type === KERNEL_TYPE);
    if (!found) {
      // The script in between takes the complaint, "no bootable kernel", away.
      for (const name of bootfiles(this.host.environment.get('bootfile')))
        this.host.out(`can't load '${name}'\n`);
      return OK;
    }
    if (flags.length > 0) found.args = flags.join(' ');
    this.request = { kernel: found, files: [...this.files], environment: this.host.environment.entries() };
    return OK;
  }
}

/** The names of a kernel that are tried: up to the first that is empty. */
function bootfiles(text = 'kernel'): readonly string[] {
  const names = text.split(';');
  const end = names.indexOf('');
  return end < 0 ? names : names.slice(0, end);
}
