import { type FileSource, infoOf } from '../../files/file-source.js';
import { rawText } from '../../files/raw-text.js';
import { expandConfValue, type ModuleKey, parseConfLine } from './conf-line.js';
import type { LoaderEnvironment } from './environment.js';

/** Variables that are the configuration's own: they never come into the environment. */
const OWN_VARIABLES: ReadonlySet<string> = new Set(['loader_conf_files']);
export const DEFAULT_CONF = '/boot/defaults/loader.conf';

/** A module that loader.conf(5) names, with what is said of it. */
export interface ConfiguredModule {
  readonly id: string;
  readonly settings: Readonly<Partial<Record<ModuleKey, string>>>;
}

/** What the configuration acts on. */
export interface ConfigHost {
  readonly files: FileSource;
  readonly environment: LoaderEnvironment;
  /** A line, without its end. */
  print(text: string): void;
  /** A command of the prompt; its result is 0 where it worked. */
  execute(command: string): number;
  /** What the last command that failed said. */
  errorText(): string;
}

/**
 * /boot/loader.conf and what belongs to it, as stand/lua/config.lua reads and obeys it. Modules are loaded in the order in which they are
 * first named: config.lua takes them in that of a Lua table, which is none.
 */
export class LoaderConfig {
  private readonly modules = new Map<string, Partial<Record<ModuleKey, string>>>();
  /** Also has the configuration's own variables. */
  private readonly own = new Map<string, string>();

  constructor(private readonly host: ConfigHost) {}

  /** Reads a file, those that it names in loader_conf_files, and those of loader_conf_dirs. */
  load(file = DEFAULT_CONF): void {
    const loaded = new Set<string>();
    this.readConf(file, loaded);
    for (const directory of words(this.variable('loader_conf_dirs'))) this.readDirectory(directory, loaded);
    this.tellNextboot();
  }

  /** The modules that are named, in the order in which they are first. */
  configured(): readonly ConfiguredModule[] {
    return [...this.modules].map(([id, settings]) => ({ id, settings }));
  }

  private readConf(file: string, loaded: Set<string>): void {
    if (loaded.has(file)) return;
    loaded.add(file);
    this.host.print(`Loading ${file}`);
    this.own.delete('loader_conf_files');
    const bytes = this.host.files.read(file);
    if (bytes && !this.parse(rawText(bytes))) this.host.print(`Failed to parse config: '${file}'`);
    for (const name of words(this.own.get('loader_conf_files'))) this.readConf(name, loaded);
  }

  private readDirectory(directory: string, loaded: Set<string>): void {
    const { files } = this.host;
    const entries = files.list(directory);
    if (!entries) {
      this.host.print(`Failed to load conf dir '${directory}': not a directory`);
      return;
    }
    for (const { name } of entries) {
      const path = `${directory}/${name}`;
      // config.lua's pattern has a dot that stands for any character.
      if (/.conf$/.test(name) && infoOf(files, path)?.kind !== 'directory') this.readConf(path, loaded);
    }
  }

  /** False where a line makes no sense. Empty lines do not count when lines are numbered, as there. */
  private parse(text: string): boolean {
    let good = true;
    let number = 0;
    for (const line of text.split('\n').filter((one) => one !== '')) {
      number++;
      if (/^\s*$/.test(line)) continue;
      if (this.takeLine(line)) continue;
      this.host.print(`Malformed line (${number}):\n\t'${line}'`);
      good = false;
    }
    return good;
  }

  private takeLine(line: string): boolean {
    const parsed = parseConfLine(line);
    switch (parsed.kind) {
      case 'malformed':
        return false;
      case 'comment':
        return true;
      case 'module':
        this.modules.set(parsed.module, { ...this.modules.get(parsed.module), [parsed.key]: parsed.value });
        return true;
      case 'exec':
        if (this.host.execute(parsed.command) !== 0) this.host.print(`Failed to exec '${parsed.command}'`);
        return true;
      case 'variable':
        this.setVariable(parsed.name, parsed.value);
        return true;
    }
  }

  private setVariable(name: string, written: string): void {
    const { environment } = this.host;
    const expanded = expandConfValue(written, (other) => environment.get(other));
    if ('problem' in expanded) {
      this.host.print(`Failed to parse variable '${name}': ${expanded.problem}`);
      return;
    }
    this.own.set(name, expanded.value);
    if (!OWN_VARIABLES.has(name)) environment.set(name, expanded.value);
  }

  private variable(name: string): string | undefined {
    return this.own.get(name) ?? (OWN_VARIABLES.has(name) ? undefined : this.host.environment.get(name));
  }

  /** FreeBSD's reads the file of nextboot(8) and writes into it that it is done with; here nothing is written. */
  private tellNextboot(): void {
    const { environment, files } = this.host;
    const file = environment.get('nextboot_conf');
    if (file === undefined || environment.get('nextboot_enable') === 'NO') return;
    const bytes = files.read(file);
    if (bytes && !rawText(bytes).startsWith('nextboot_enable="NO"'))
      this.host.print(`modbox: ${file}: nextboot is not implemented`);
  }

  /** Loads the kernel, by the name of its directory or file, and the modules. False where something did not work. */
  loadAll(otherKernel?: string): boolean {
    this.host.print('Loading kernel...');
    if (!this.loadKernel(otherKernel)) return false;
    this.host.print('Loading configured modules...');
    const verbose = this.host.environment.get('verbose_loading')?.toLowerCase() === 'yes';
    const blacklist = blacklisted(this.host.environment.get('module_blacklist'));
    let good = true;
    for (const module of this.configured()) {
      const { load, name } = module.settings;
      if (load?.toLowerCase() !== 'yes') continue;
      if (!blacklist.has(name ?? module.id)) good = this.loadModule(module, verbose) && good;
      else if (verbose) this.host.print(`Not loading blacklisted module '${name ?? module.id}'`);
    }
    return good;
  }

  private loadModule({ id, settings }: ConfiguredModule, verbose: boolean): boolean {
    const { host } = this;
    const { name = id, type, flags, before, after, error } = settings;
    const tell = (text: string): void => {
      if (verbose) host.print(text);
    };
    tell(`${name}...`);
    let good = true;
    if (before !== undefined && host.execute(before) !== 0) {
      tell(`Failed to execute '${before}' before loading '${id}'`);
      good = false;
    }
    const command = `load ${type === undefined ? '' : `-t ${type} `}${name}${flags === undefined ? '' : ` ${flags}`}`;
    if (host.execute(command) !== 0) {
      host.print(host.errorText());
      tell('failed!');
      if (error !== undefined) host.execute(error);
      return false;
    }
    if (after === undefined) return good;
    const done = host.execute(after) === 0;
    if (!done) tell(`Failed to execute '${after}' after loading '${id}'`);
    tell('ok');
    return good && done;
  }

  private loadKernel(other?: string): boolean {
    const { environment } = this.host;
    const kernel = other ?? environment.get('kernel');
    if (kernel === undefined) {
      if (this.loadBootfile()) return true;
      this.host.print('No kernel set, failed to load from module_path');
      return false;
    }
    const modulePath = this.modulePath();
    for (const directory of [`/boot/${kernel}`, kernel]) {
      environment.set('module_path', directory);
      if (!this.loadBootfile()) continue;
      if (modulePath !== undefined) {
        environment.set('module_path', `${directory};${modulePath}`);
        environment.set('kernel_path', directory);
      }
      return true;
    }
    if (this.tryLoad(kernel)) return true;
    this.host.print(`Failed to load kernel '${kernel}'`);
    return false;
  }

  /** module_path without the directory of a kernel that was loaded before. */
  private modulePath(): string | undefined {
    const { environment } = this.host;
    const path = environment.get('module_path');
    const kernelPath = environment.get('kernel_path');
    return kernelPath === undefined ? path : path?.replaceAll(`${kernelPath};`, '');
  }

  private loadBootfile(): boolean {
    const bootfile = this.host.environment.get('bootfile');
    return this.tryLoad(bootfile === undefined ? 'kernel' : `${bootfile};kernel`);
  }

  /** Loads the first of names that can be. */
  private tryLoad(names: string): boolean {
    const flags = this.host.environment.get('kernel_options') ?? '';
    return names
      .split(';')
      .filter((name) => name !== '')
      .some((name) => this.host.execute(`load ${name} ${flags}`) === 0);
  }
}

function words(text: string | undefined): readonly string[] {
  return text?.match(/[!-~]+/g) ?? [];
}

function blacklisted(text: string | undefined): ReadonlySet<string> {
  return new Set(text?.match(/[-A-Za-z0-9_]+/g) ?? []);
}
