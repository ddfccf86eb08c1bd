import { DIOCGMEDIASIZE, DIOCGSECTORSIZE } from '../../../freebsd/geom/disk-ioctls.js';
import { DEV, withoutDev } from '../../../freebsd/geom/objects.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { AppletUsageError, type Flags, parseFlags } from '../../shell/applet.js';
import { CLASS_TOOLS, type ClassTool, type Verb } from '../geom/class-tools.js';
import { issue, type Parameter } from '../geom/gctl.js';
import { type MeshGeom, meshOf } from '../geom/mesh.js';
import { encodeMetadata } from '../geom/metadata.js';
import { humanSize, sizeOf } from '../geom/sizes.js';
import type { Applet, AppletContext } from './applet.js';

/** geom(8): `geom CLASS VERB ...`; what only the kernel knows it is asked through /dev/geom.ctl. */
export const geomApplet: Applet = {
  name: 'geom',
  usage: 'geom CLASS {list | status | load | unload | VERB [OPTION]... [NAME]...}',
  summary: 'Asks classes of GEOM.',
  *run(context) {
    const [kind, ...args] = context.args;
    if (kind === undefined) throw new AppletUsageError('which class?');
    return yield* run({ ...context, args }, kind.toLowerCase());
  },
};

/** gnop, gconcat, ...: `geom CLASS` under names of their own. */
function classApplet(name: string, kind: string): Applet {
  return {
    name,
    usage: `${name} {list | status | load | unload | VERB [OPTION]... [NAME]...}`,
    summary: `geom ${kind}.`,
    run: (context) => run(context, kind, name),
  };
}

export const gnopApplet = classApplet('gnop', 'nop');
export const gconcatApplet = classApplet('gconcat', 'concat');
export const gstripeApplet = classApplet('gstripe', 'stripe');
export const glabelApplet = classApplet('glabel', 'label');
export const gmirrorApplet = classApplet('gmirror', 'mirror');

function* run(context: AppletContext, kind: string, program = 'geom'): Sleepable<number> {
  const [verb, ...args] = context.args;
  const within = { ...context, args };
  const fail = (text: string): number => {
    context.io.err(`${program}: ${text}\n`);
    return 1;
  };
  if (verb === undefined) throw new AppletUsageError('which verb?');
  const tool = CLASS_TOOLS[kind];
  const name = tool?.name ?? kind.toUpperCase();
  if (verb === 'list' || verb === 'status') return yield* show(within, name, verb, fail);
  if (verb === 'load') return (yield* loadClass(context, kind, fail)) ? 0 : 1;
  if (verb === 'unload') return yield* unloadClass(context, kind, fail);
  if (!tool) return fail(`Class '${kind}' has no commands here.`);
  const command = tool.verbs[verb];
  if (!command) throw new AppletUsageError(`unknown command: ${verb}`);
  return yield* perform(within, { kind, tool, verb, command }, fail);
}

interface Call {
  readonly kind: string;
  readonly tool: ClassTool;
  readonly verb: string;
  readonly command: Verb;
}

type Fail = (text: string) => number;

function* loadClass({ machine, message }: AppletContext, kind: string, fail: Fail): Sleepable<boolean> {
  if (!('errno' in machine.klds.findModule(`g_${kind}`))) return true;
  const result = yield* machine.klds.load(`geom_${kind}`);
  if (!('errno' in result)) return true;
  fail(`cannot load geom_${kind}: ${message(-result.errno)}`);
  return false;
}

function* unloadClass({ machine, message }: AppletContext, kind: string, fail: Fail): Sleepable<number> {
  const found = machine.klds.find(`geom_${kind}.ko`);
  const result = 'errno' in found ? found : yield* machine.klds.unload(found.value, false);
  return 'errno' in result ? fail(`Could not unload KLD module: ${message(-result.errno)}.`) : 0;
}

function* perform(context: AppletContext, call: Call, fail: Fail): Sleepable<number> {
  const { machine, vfs, io, args, message } = context;
  const { kind, tool, verb, command } = call;
  const known = command.options.map(({ letter, kind: of }) => (of === 'bool' ? letter : `${letter}=`));
  const given = parseFlags(args, [...known, 'v']);
  if (command.own === 'label') return yield* label(context, call, given, fail);
  if (command.own === 'clear') return yield* clear(context, given, fail);
  if (!(yield* loadClass(context, kind, fail))) return 1;
  const parameters = new Map<string, Parameter>([
    ['class', { kind: 'text', value: tool.name }],
    ['verb', { kind: 'text', value: verb }],
    ['version', { kind: 'version', value: tool.version }],
  ]);
  for (const { letter, name, kind: of, otherwise } of command.options) {
    if (of === 'bool') parameters.set(name, { kind: 'int', value: Number(given.flags.has(letter)) });
    else if (of === 'text')
      parameters.set(name, { kind: 'text', value: given.values.get(letter) ?? otherwise ?? '' });
    else {
      const value = sizeOf(given.values.get(letter) ?? otherwise ?? '0');
      if (value === undefined)
        return fail(`Invalid value for '${letter}' argument: ${given.values.get(letter)}`);
      parameters.set(name, { kind: 'number', value });
    }
  }
  parameters.set('nargs', { kind: 'int', value: given.operands.length });
  for (const [i, operand] of given.operands.entries())
    parameters.set(`arg${i}`, { kind: 'text', value: operand });
  const error = yield* issue(machine.kernel, vfs, message, parameters);
  if (error !== '') {
    fail(error);
    return error.startsWith('warning: ') ? 0 : 1;
  }
  if (given.flags.has('v')) io.out('Done.\n');
  return 0;
}

interface Disk {
  readonly name: string;
  readonly mediasize: number;
  readonly sectorsize: number;
}

/** The size and the sector of a provider, by its device. */
function* diskOf({ vfs, message }: AppletContext, given: string): Sleepable<Disk | string> {
  const name = withoutDev(given);
  const fd = yield* vfs.openAs(`${DEV}${name}`, 'read');
  if (fd < 0) return `Can't open ${name}: ${message(fd)}.`;
  const [media, sector] = [new Uint8Array(8), new Uint8Array(4)];
  const first = yield* vfs.ioctl(fd, DIOCGMEDIASIZE, media);
  const second = first < 0 ? first : yield* vfs.ioctl(fd, DIOCGSECTORSIZE, sector);
  yield* vfs.close(fd);
  if (second < 0) return `Can't get informations about ${name}: ${message(second)}.`;
  return {
    name,
    mediasize: Number(new DataView(media.buffer).getBigUint64(0, true)),
    sectorsize: new DataView(sector.buffer).getUint32(0, true),
  };
}

/** Writes the last sector of a disk: g_metadata_store(), g_metadata_clear(). */
function* store({ vfs }: AppletContext, disk: Disk, sector: Uint8Array): Sleepable<number> {
  const fd = yield* vfs.openAs(`${DEV}${disk.name}`, 'over');
  if (fd < 0) return fd;
  const at = yield* vfs.lseek(fd, disk.mediasize - disk.sectorsize, 0);
  const result = at < 0 ? at : yield* vfs.write(fd, sector);
  yield* vfs.close(fd);
  return result;
}

function* label(context: AppletContext, { tool, kind }: Call, given: Flags, fail: Fail): Sleepable<number> {
  const { machine, io, message } = context;
  const [name, ...components] = given.operands;
  if (name === undefined || components.length < (kind === 'stripe' ? 2 : 1))
    return fail('Too few arguments.');
  const id = machine.kernel.random.below(2 ** 32);
  const stripesize = kind === 'stripe' ? (sizeOf(given.values.get('s') ?? '65536') ?? 0) : undefined;
  for (const [no, component] of components.entries()) {
    const disk = yield* diskOf(context, component);
    if (typeof disk === 'string') return fail(disk);
    const provider = given.flags.has('h') ? disk.name : '';
    const metadata = {
      name,
      id,
      no,
      all: components.length,
      ...(stripesize !== undefined && { stripesize }),
      provider,
      provsize: disk.mediasize,
    };
    const result = yield* store(context, disk, encodeMetadata(tool, metadata, disk.sectorsize));
    if (result < 0) return fail(`Can't store metadata on ${component}: ${message(result)}.`);
    if (given.flags.has('v')) io.out(`Metadata value stored on ${component}.\n`);
  }
  return 0;
}

function* clear(context: AppletContext, given: Flags, fail: Fail): Sleepable<number> {
  const { io, message } = context;
  for (const component of given.operands) {
    const disk = yield* diskOf(context, component);
    const result =
      typeof disk === 'string' ? disk : yield* store(context, disk, new Uint8Array(disk.sectorsize));
    if (typeof result === 'string') return fail(result);
    if (result < 0) return fail(`Can't clear metadata on ${component}: ${message(result)}.`);
    if (given.flags.has('v')) io.out(`Metadata cleared on ${component}.\n`);
  }
  return 0;
}

function* show(
  { machine, io, args }: AppletContext,
  name: string,
  verb: 'list' | 'status',
  fail: Fail,
): Sleepable<number> {
  const geoms = yield* meshOf(machine, name);
  if (!geoms) return fail(`Class '${name}' not found.`);
  const wanted = args.filter((arg) => !arg.startsWith('-'));
  const all = args.includes('-a');
  const shown = geoms.filter(
    (geom) =>
      (wanted.length === 0 && (all || geom.providers.length > 0)) ||
      wanted.some((one) => one === geom.name || geom.providers.some((provider) => provider.name === one)),
  );
  io.out(verb === 'list' ? shown.map(listed).join('') : statusOf(shown));
  return 0;
}

const pairs = (config: ReadonlyMap<string, string>, indent: string): string =>
  [...config].map(([key, value]) => `${indent}${key}: ${value}\n`).join('');

function listed({ name, config, providers, consumes }: MeshGeom): string {
  const provided = providers.map(
    (one, i) =>
      `${i + 1}. Name: ${one.name}\n   Mediasize: ${one.mediasize} (${humanSize(one.mediasize)})\n` +
      `   Sectorsize: ${one.sectorsize}\n   Mode: ${one.mode}\n${pairs(one.config, '   ')}`,
  );
  const consumed = consumes.map((one, i) => `${i + 1}. Name: ${one}\n`);
  return (
    `Geom name: ${name}\n${pairs(config, '')}` +
    (provided.length > 0 ? `Providers:\n${provided.join('')}` : '') +
    (consumed.length > 0 ? `Consumers:\n${consumed.join('')}` : '') +
    '\n'
  );
}

/** The state of a geom, or N/A, beside its providers and what they are made of. */
function statusOf(geoms: readonly MeshGeom[]): string {
  const rows = geoms.flatMap(({ providers, config, consumes, name }) =>
    (providers.length > 0 ? providers.map((one) => one.name) : [name]).flatMap((provider) => {
      const state = config.get('State') ?? config.get('Status') ?? 'N/A';
      const parts = consumes.length > 0 ? consumes : ['N/A'];
      return parts.map((part, i) => [i === 0 ? provider : '', i === 0 ? state : '', part]);
    }),
  );
  if (rows.length === 0) return '';
  const all = [['Name', 'Status', 'Components'], ...rows];
  const [first, second] = [0, 1].map((column) => Math.max(...all.map((row) => row[column].length)));
  return all.map(([a, b, c]) => `${a.padStart(first)}  ${b.padStart(second)}  ${c}\n`).join('');
}
