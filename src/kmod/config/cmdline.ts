import { checkedName } from '../names.js';
import type { ModprobeConfig } from './modprobe-config.js';

/** What kmod reads of /proc/cmdline. */
const LIMIT = 4095;

const SPACES = ' \n\t\v\f\r';

/**
 * Adds `MODULE.PARAMETER=VALUE` and `modprobe.blacklist=A,B` of the kernel's command line (modprobe.d(5)).
 * Blanks are part of a value between double quotes, whether those begin before the value
 * (`loop.a="b c"`) or before the module's name (`"loop.a=b c"`, as boot loaders have it).
 */
export function addCmdline(config: ModprobeConfig, cmdline: string): void {
  new CmdlineParser(config).parse(cmdline.slice(0, LIMIT));
}

type State = 'ignore' | 'module' | 'parameter' | 'value';

class CmdlineParser {
  private state: State = 'module';
  private quoted = false;
  /** The quote came before the module's name. */
  private quotedWhole = false;
  private moduleStart = 0;
  private dot = 0;
  private equals = 0;

  constructor(private readonly config: ModprobeConfig) {}

  parse(text: string): void {
    for (let at = 0; at <= text.length; at++) {
      const char = text[at];
      if (char === undefined || char === '\0' || SPACES.includes(char)) {
        this.blank(text, at);
        if (char === '\0') return;
      } else if (char === '"') this.quote(at);
      else if (char === '.') this.onDot(at);
      else if (char === '=') this.onEquals(at);
    }
  }

  private quote(at: number): void {
    this.quoted = !this.quoted;
    if (this.quoted && this.state === 'module' && at === this.moduleStart) {
      this.quotedWhole = true;
      this.moduleStart = at + 1;
    } else if (this.state !== 'value') this.state = 'ignore';
  }

  private onDot(at: number): void {
    if (this.state === 'module') {
      this.dot = at;
      this.state = 'parameter';
    } else if (this.state === 'parameter') this.state = 'ignore';
  }

  private onEquals(at: number): void {
    if (this.state === 'parameter') {
      this.equals = at;
      this.state = 'value';
    } else if (this.state === 'module') this.state = 'ignore';
  }

  private blank(text: string, at: number): void {
    if (this.quoted) {
      if (this.state !== 'value') this.state = 'ignore';
      return;
    }
    if (this.state === 'value' || this.state === 'parameter') this.add(text, at);
    this.moduleStart = at + 1;
    this.state = 'module';
    this.quotedWhole = false;
  }

  private add(text: string, end: number): void {
    const { config } = this;
    const given = text.slice(this.moduleStart, this.dot);
    const value = text.slice(this.equals + 1, end);
    const parameter = text.slice(this.dot + 1, this.state === 'value' ? this.equals : end);
    if (given === 'modprobe' && parameter === 'blacklist' && this.state === 'value') {
      config.blacklist.push(...(this.quotedWhole ? `"${value}` : value).split(','));
      return;
    }
    const module = checkedName(given);
    if (module === undefined) {
      config.problems.push({
        reporter: 'kcmdline_parse_result',
        text: `Ignoring bad option on kernel command line while parsing module name: '${given}'`,
      });
      return;
    }
    const equals = this.state === 'value' ? '=' : '';
    const quote = this.quotedWhole ? '"' : '';
    const options = `${parameter}${equals && `${equals}${quote}${value}`}`;
    config.options.push({ module, text: options.replaceAll('\t', ' ') });
  }
}
