import {
  type Leak,
  type LeftBehind,
  type LogRecord,
  modelsFor,
  type ReportedFault,
  type RunReport,
  timeStamp,
  type UnboundDriver,
  type UsedLimit,
  visible,
} from '../../index.js';
import type { Style } from '../style.js';

/** A line of the kernel log as it appears while a module runs. */
export function logLine(record: LogRecord, style: Style): string {
  const shown = visible(record.text);
  const text = record.level <= 3 ? style.red(shown) : record.level === 4 ? style.yellow(shown) : shown;
  return `${style.dim(timeStamp(record.time))} ${text}\n`;
}

/** How the module looks while it is loaded: a line of lsmod in words. */
export function loadedText(report: Pick<RunReport, 'modules' | 'memory' | 'module'>, style: Style): string {
  const name = report.module.replaceAll('-', '_');
  const entry = report.modules.find((module) => module.name === name);
  if (!entry) return '';
  const others = report.modules.length - 1;
  const users = entry.refcnt === 1 ? '1 user' : `${entry.refcnt} users`;
  const taints = entry.taints ? ` (${entry.taints})` : '';
  const more = others > 0 ? `, with ${others} other module${others === 1 ? '' : 's'}` : '';
  return `${style.bold(visible(name))}: ${entry.size} bytes, ${users}, ${entry.state}${taints}${entry.permanent ? ', permanent' : ''}${more}\n`;
}

/** What is said at the end: problems first, then one line that sums up. */
export function summaryText(report: RunReport, ok: boolean, style: Style): string {
  const lines = [
    ...report.unimplemented.map(
      ({ symbol, prototype, caller, why }) =>
        `${style.red('not implemented')} ${visible(`${symbol}${prototype && `: ${prototype}`}\n    called from ${caller}${why ? `\n    ${why}` : ''}`)}`,
    ),
    ...(report.unimplemented.length > 0 && report.native === null ? [addImageText(style)] : []),
    ...report.faults
      .filter(({ kind }) => kind !== 'unimplemented-export' && kind !== 'left-behind')
      .map((fault) => faultText(fault, style)),
    ...notKeptText(report.faultsNotKept, style),
    ...report.unbound.map((driver) => unboundText(driver, style)),
    ...report.leftBehind.map((entry) => leftText(entry, style)),
    ...report.leaks.map((leak) => leakText(leak, style)),
    ...(ok ? [] : report.limits.map((limit) => limitText(limit, style))),
    ...[...report.modprobe.stderr, ...report.remove.stderr].map((line) => style.red(visible(line))),
    `${ok ? style.green('ok') : style.red('failed')}: ${sumUp(report)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** What is not implemented may be there in the kernel itself. */
function addImageText(style: Style): string {
  return `${style.dim('hint')} the kernel's own code may do it: modbox target add its package, tree or vmlinuz (and no --native off)`;
}

/** Where a run failed, what modbox does less may be why. */
function limitText({ symbol, limit }: UsedLimit, style: Style): string {
  return `${style.dim('does less here')} ${visible(`${symbol}: ${limit}`)}`;
}

/** Nothing that is missing goes without saying. */
function notKeptText(count: number, style: Style): string[] {
  return count === 0
    ? []
    : [`${style.red('not kept')} ${count} more reports of these kinds: only the first are kept`];
}

function faultText(fault: ReportedFault, style: Style): string {
  const trace = fault.trace.map((entry) => `\n    ${entry}`).join('');
  const native =
    fault.native === undefined
      ? ''
      : `\n    in the kernel's own code (${fault.native}): this may be a fault of modbox`;
  return `${style.red(fault.kind)} ${visible(`${fault.message}\n    at ${fault.at}${trace}${native}`)}`;
}

/** So many ids are shown; the report as JSON has all. */
const IDS_SHOWN = 3;

function unboundText({ driver, bus, ids }: UnboundDriver, style: Style): string {
  const more = ids.length > IDS_SHOWN ? `, ... and ${ids.length - IDS_SHOWN} more` : '';
  const waits =
    ids.length > 0 ? `it waits for ${ids.slice(0, IDS_SHOWN).join(', ')}${more}` : 'it names no ids';
  const models = modelsFor(ids).map((name) => `--device ${name}`);
  const offer = models.length > 0 ? `; it would be shown ${models.join(', ')}` : '';
  return `${style.yellow('not probed')} ${bus} driver '${driver}': no device of this machine is one of its own; ${waits}${offer}`;
}

/** One line for something that a module registered and did not take back. */
export function leftText({ kind, name, registeredBy, module }: LeftBehind, style: Style): string {
  const what = name === '' ? kind : `${kind} '${name}'`;
  return `${style.yellow('left behind')} by ${module}: ${what}, registered by ${registeredBy}`;
}

function leakText({ kind, bytes, count, allocatedBy }: Leak, style: Style): string {
  const what = count === 1 ? `${bytes} bytes` : `${bytes} bytes in ${count} allocations`;
  return `${style.yellow('leak')} ${visible(`${what} (${kind}), allocated by ${allocatedBy}`)}`;
}

function sumUp(report: RunReport): string {
  const { modprobe, remove, errno, memory, instructions, wallMs, left, leftBehind, unbound } = report;
  const parts = [
    modprobe.exit === 0 ? `loaded in ${wallMs.load} ms` : `not loaded${errno === null ? '' : ` (${errno})`}`,
  ];
  if (modprobe.exit === 0)
    parts.push(
      left.length > 0 && remove.exit !== 0
        ? 'not removed'
        : left.length > 0
          ? `left: ${visible(left.join(' '))}`
          : `removed in ${wallMs.remove} ms`,
    );
  parts.push(`${instructions} instructions`, `heap peak ${memory.heapPeakBytes} bytes`);
  if (unbound.length > 0) parts.push('nothing probed');
  if (leftBehind.length > 0) parts.push(`${leftBehind.length} left behind`);
  if (memory.heapLeftBytes > 0) parts.push(`${memory.heapLeftBytes} bytes leaked`);
  if (leftBehind.length === 0 && memory.heapLeftBytes === 0) parts.push('all given back');
  return parts.join(', ');
}
