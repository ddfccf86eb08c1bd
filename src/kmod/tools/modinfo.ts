import { confined, type FileSource } from '../../files/file-source.js';
import { PATH_MAX } from '../../files/limits.js';
import { strerror } from '../../linux/errno.js';
import { asByteText, bytesOf } from '../byte-text.js';
import { KmodError } from '../kmod-error.js';
import { fieldOf, fieldsOf, type InfoField } from '../modinfo/fields.js';
import { MoreThanKmod } from '../modinfo/more.js';
import { NotFound, type Subject, Subjects } from '../modinfo/subject.js';
import { fieldsText, headText, oneFieldText } from '../modinfo/text.js';
import { LOG, ToolLog } from './log.js';
import { type ModinfoRequest, parseModinfoArgs } from './modinfo-options.js';
import { tellIndexConfig } from './open-tree.js';
import type { Steps, ToolHost } from './tool.js';
import { VERSION_TEXT } from './version.js';

const HELP = `Usage:
\tmodinfo [options] <modulename|filename> [args]
Options:
\t-a, --author                Print only 'author'
\t-d, --description           Print only 'description'
\t-l, --license               Print only 'license'
\t-p, --parameters            Print only 'parm'
\t-n, --filename              Print only 'filename'
\t-0, --null                  Use \\0 instead of \\n
\t-m, --modname               Handle argument as module name instead of alias or filename
\t-F, --field FIELD           Print only provided FIELD
\t-k, --set-version VERSION   Use VERSION instead of $(uname -r)
\t-b, --basedir DIR           Use DIR as filesystem root for /lib/modules
\t-V, --version               Show version
\t-h, --help                  Show this help
`;

/** modinfo(8) as kmod 34 has it, and with more: src/kmod/modinfo/README.md. */
// biome-ignore lint/correctness/useYield: a tool that never waits
export function* modinfo<Wait>(host: ToolHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const command = parseModinfoArgs(args);
  switch (command.kind) {
    case 'help':
      host.out(HELP);
      return 0;
    case 'version':
      host.out(VERSION_TEXT);
      return 0;
    case 'wrong':
      host.err(command.message);
      return 1;
    case 'show':
      return new ModinfoRun(host, command).run();
  }
}

class ModinfoRun<Wait> {
  private readonly log: ToolLog;
  private readonly files: FileSource;
  private readonly subjects: Subjects;
  private readonly root: string;
  private readonly release: string;
  private readonly more: MoreThanKmod;
  private readonly complain = ({ key, value }: InfoField): void =>
    this.log.error(`Found invalid "${key}=${value}": missing ':'\n`);

  constructor(
    private readonly host: ToolHost<Wait>,
    private readonly request: ModinfoRequest,
  ) {
    this.log = new ToolLog('modinfo', (text) => host.err(text), LOG.warning);
    this.root = request.root ?? '';
    const files = confined(host.files, this.root === '' ? '' : host.absolute(this.root));
    this.files = files;
    this.release = request.release ?? host.release;
    this.subjects = new Subjects({
      files,
      absolute: (path) => host.absolute(path),
      release: this.release,
      root: this.root,
      like: request.root === undefined && request.release === undefined ? host.modules : undefined,
      cache: host.indexCache,
    });
    this.more = new MoreThanKmod(files, {
      root: this.root,
      release: request.release,
      running: host.release,
      views: request.views,
      json: request.json,
      print: (text) => host.out(text),
      complain: this.complain,
      builtinFields: (subject) => this.builtinFields(subject),
    });
  }

  run(): number {
    const { operands, root, release, onlyNames } = this.request;
    if (operands.length === 0) return this.refuse('missing module or filename.\n');
    const directory = `${this.root}/lib/modules/${this.release}`;
    if ((root !== undefined || release !== undefined) && asByteText(directory).length >= PATH_MAX)
      return this.refuse(`bad directory ${directory}: path too long\n`);
    if (!this.host.modules) tellIndexConfig(this.host, this.files, this.host.absolute(directory));
    let status = 0;
    for (const operand of operands) if (!this.show(operand, onlyNames)) status = 1;
    return status;
  }

  private refuse(text: string): number {
    this.log.error(text);
    return 1;
  }

  /** Whether everything that an operand stands for could be shown. */
  private show(operand: string, onlyNames: boolean): boolean {
    let found: readonly Subject[];
    try {
      found = this.subjects.of(operand, onlyNames);
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
      this.log.error(`${error.message}\n`);
      return false;
    }
    let good = true;
    for (const subject of found) if (!this.showSubject(subject)) good = false;
    return good;
  }

  private showSubject(subject: Subject): boolean {
    const { request } = this;
    const own = request.json || request.views.length > 0;
    const head = own ? '' : headText(subject, request);
    try {
      if (own) this.more.show(subject);
      else this.print(head + (request.field === 'filename' ? '' : this.bodyText(subject)));
      return true;
    } catch (error) {
      if (!(error instanceof KmodError)) throw error;
      this.print(head);
      this.explain(subject, error);
      return false;
    }
  }

  private bodyText(subject: Subject): string {
    const { field, separator } = this.request;
    const fields = subject.open ? fieldsOf(subject.open()) : this.builtinFields(subject);
    return field === undefined
      ? fieldsText(fields, separator, this.complain)
      : oneFieldText(fields, asByteText(field), separator, this.complain);
  }

  /** Nothing is known of what is built in where a kernel is too old to tell. */
  private builtinFields({ name }: Subject): readonly InfoField[] {
    return (this.subjects.tree.builtin.strings(name) ?? []).map(fieldOf);
  }

  private explain(subject: Subject, error: KmodError): void {
    const { complaint } = error;
    // modinfo leaves libkmod's log as it is, which names the function.
    if (complaint) this.host.err(`libkmod: ERROR: ${complaint.where}: ${complaint.text}\n`);
    this.log.error(`could not get modinfo from '${subject.name}': ${strerror(error.errno)}\n`);
    this.host.err(`modbox: ${error.message}\n`);
  }

  private print(text: string): void {
    if (text !== '') this.host.out(/^[\0-\x7f]*$/.test(text) ? text : bytesOf(text));
  }
}
