import { parseArgs } from 'node:util';
import {
  type DeviceModel,
  deviceArguments,
  isModuleFile,
  MODELS,
  QemuBoard,
  UsageError,
  visible,
  visibleJson,
} from '../../index.js';
import { freebsdTargetOf, type KldSubject, kldSubject } from '../freebsd/open-kld.js';
import { type KldRun, runOneKld, showKldRun } from '../freebsd/run-kld.js';
import { wholeNumber } from '../numbers.js';
import { MACHINE_HELP, MACHINE_OPTIONS, machineOptions, subjectOf } from '../open-machine.js';
import { runLimits } from '../run/limits.js';
import { type OneRun, runOne } from '../run/run-one.js';
import { succeeded } from '../run/succeeded.js';
import { loadedText, logLine, summaryText } from '../run/text-report.js';
import { styleFor } from '../style.js';

const MODEL_NAMES = [...MODELS.keys()].join(', ');

const HELP = `usage: modbox run MODULE [PARAM=VALUE]...

Boots a machine, loads a module, removes it and reports. MODULE is a file (.ko, .ko.xz, .ko.gz, .ko.zst) or a
name, found with its dependencies in the file tree. A file of FreeBSD's (or --target freebsd/14.2-amd64) boots that
kernel: the files beside it are /boot/kernel, or --root has them; PARAM=VALUE are tunables. One module is run at a time; for several in one machine:
modbox shell -c 'insmod a.ko; insmod b.ko'.

${MACHINE_HELP}  --device D        plugs a device in before MODULE comes (repeatable): a model that comes with modbox
                    (${MODEL_NAMES}), or qemu:NAME[,PROPERTY=VALUE]..., a device
                    of QEMU's (Debian: qemu-system-x86), such as qemu:usb-kbd or qemu:nvme,serial=1,file=DISK
  --exec COMMAND    a shell command to run while the module is loaded (repeatable)
  --keep            do not unload
  --json            the report as one JSON object on stdout
  --each-from FILE  every module named in FILE, each in a freshly booted machine, one JSON object a line
  --jobs N          that many at a time (default: the number of processors)
  --shard K/N       only every Nth module, from the Kth on
  --timeout S       stop what has not ended after S seconds (default 60, or some ten seconds of work)
  --out FILE        write there instead of stdout
  --resume          with --out: keep what FILE has, and go on behind it

At boot, before MODULE, the modules of the file tree's modules-load.d and of modules-load= are loaded.
`;

/** \`modbox run\`. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...MACHINE_OPTIONS,
      help: { type: 'boolean', short: 'h' },
      device: { type: 'string', multiple: true },
      exec: { type: 'string', multiple: true },
      keep: { type: 'boolean' },
      json: { type: 'boolean' },
      'each-from': { type: 'string' },
      jobs: { type: 'string' },
      shard: { type: 'string' },
      timeout: { type: 'string' },
      out: { type: 'string' },
      resume: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { exec = [], keep = false, device = [] } = values;
  const list = values['each-from'];
  if (list !== undefined) {
    if (positionals.some((word) => !word.includes('=')))
      throw new UsageError('run: give a module or --each-from, not both');
    if (device.length > 0) throw new UsageError('run: --device goes with one module');
    const { runEach } = await import('../run/each.js');
    return await runEach({ ...values, list, parameters: positionals, exec, keep });
  }
  const [module, ...parameters] = positionals;
  if (module === undefined) throw new UsageError('run: which module?');
  checkOne(values, parameters);
  const subject = subjectOf(module);
  const seconds = values.timeout === undefined ? undefined : wholeNumber(values.timeout, '--timeout', 1);
  const freebsd = freebsdTargetOf(values, subject);
  if (freebsd) {
    if (device.length > 0)
      throw new UsageError('run: --device: machines of FreeBSD have no bus for devices yet');
    const kld = kldSubject(freebsd, values, subject, parameters);
    const limited = { ...kld, options: { ...kld.options, ...runLimits(seconds) } };
    return runFreebsd(limited, { exec, keep }, values.json === true);
  }
  const options = { ...machineOptions(values, subject), ...runLimits(seconds) };
  const once = { parameters, exec, keep, ...devicesOf(device) };
  if (values.json) {
    const report = runOne(options, subject, once);
    process.stdout.write(`${visibleJson(JSON.stringify(report))}\n`);
    return succeeded(report) ? 0 : 1;
  }
  const style = styleFor(process.stdout);
  const out = (text: string): void => void process.stdout.write(text);
  const report = runOne(options, subject, {
    ...once,
    onBoot: (machine, bootMs) => {
      out(style.dim(`${machine.target.name} booted in ${Math.round(bootMs)} ms\n`));
      for (const name of device.filter((text) => text.startsWith(QEMU_PREFIX)))
        out(style.dim(`${visible(name)}: QEMU runs in real time, so runs differ\n`));
      machine.on('log', (record) => out(logLine(record, style)));
      machine.on('module', ({ name, state }) => {
        if (state !== 'coming')
          out(style.dim(`${visible(name)} is ${state === 'live' ? 'in the kernel' : 'gone'}\n`));
      });
    },
    onExec: ({ command, stdout, stderr, exit }) => {
      out(`${style.bold(`$ ${command}`)}\n${visible(stdout)}${style.red(visible(stderr))}`);
      if (exit !== 0) out(style.red(`status ${exit}\n`));
    },
  });
  const ok = succeeded(report);
  out(loadedText(report, style) + summaryText(report, ok, style));
  return ok ? 0 : 1;
}

const QEMU_PREFIX = 'qemu:';

/** What the command line wants plugged in: models, and all of QEMU's devices in one QEMU. Throws UsageError. */
function devicesOf(devices: readonly string[]): Pick<OneRun, 'boards' | 'models'> {
  const ofQemu = devices.filter((text) => text.startsWith(QEMU_PREFIX));
  const models = devices.filter((text) => !text.startsWith(QEMU_PREFIX)).map(modelNamed);
  if (ofQemu.length === 0) return { models };
  return {
    models,
    boards: [new QemuBoard(deviceArguments(ofQemu.map((text) => text.slice(QEMU_PREFIX.length))))],
  };
}

function modelNamed(name: string): DeviceModel {
  const model = MODELS.get(name);
  if (model) return model;
  throw new UsageError(
    `--device ${name}: neither a model (${MODEL_NAMES}) nor qemu:NAME[,PROPERTY=VALUE]...`,
  );
}

/** A kld of FreeBSD: the same report. */
function runFreebsd(subject: KldSubject, once: Pick<KldRun, 'exec' | 'keep'>, json: boolean): number {
  const out = (text: string): void => void process.stdout.write(text);
  if (!json) return showKldRun(subject, once, out, styleFor(process.stdout)) ? 0 : 1;
  const report = runOneKld(subject, once);
  out(`${visibleJson(JSON.stringify(report))}\n`);
  return succeeded(report) ? 0 : 1;
}

/** Options that only a list of modules has a use for. */
const EACH_ONLY = ['jobs', 'shard', 'out', 'resume'] as const;

interface GivenFlags {
  readonly jobs?: string | undefined;
  readonly shard?: string | undefined;
  readonly out?: string | undefined;
  readonly resume?: boolean | undefined;
}

/** What one module is run with: a second module is no parameter of the first. Throws UsageError. */
function checkOne(flags: GivenFlags, parameters: readonly string[]): void {
  const second = parameters.find((word) => !word.includes('=') && (isModuleFile(word) || word.includes('/')));
  if (second !== undefined)
    throw new UsageError(
      `run: one module at a time, and ${second} is no parameter (NAME=VALUE); both in one machine: modbox shell -c 'insmod A; insmod B', each in its own: --each-from LIST`,
    );
  if (flags.jobs !== undefined) wholeNumber(flags.jobs, '--jobs', 1);
  const useless = EACH_ONLY.find((name) => flags[name] !== undefined);
  if (useless !== undefined) throw new UsageError(`run: --${useless} goes with --each-from`);
}
