import { readText } from '../../files/file-source.js';
import { rawBytes } from '../../files/raw-text.js';
import { EROFS, strerror } from '../../linux/errno.js';
import { getopt, type OptionTable } from './getopt.js';
import type { Steps, ToolHost } from './tool.js';

/** A device node that a module answers to: a line of modules.devname (depmod(8)). */
interface StaticNode {
  readonly module: string;
  /** Below /dev. */
  readonly device: string;
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
}

interface Format {
  readonly name: string;
  readonly description: string;
  text(node: StaticNode): string;
}

const FORMATS: readonly Format[] = [
  {
    name: 'human',
    description: '(default) a human readable format. Do not parse.',
    text: ({ module, device, type, major, minor }) =>
      `Module: ${module}\n\tDevice node: /dev/${device}\n\t\tType: ${type === 'c' ? 'character' : 'block'} device\n` +
      `\t\tMajor: ${major}\n\t\tMinor: ${minor}\n`,
  },
  {
    name: 'tmpfiles',
    description: 'the tmpfiles.d(5) format used by systemd-tmpfiles.',
    text: ({ device, type, major, minor }) => {
      const slash = device.lastIndexOf('/');
      const folder = slash < 0 ? '' : `d /dev/${device.slice(0, slash)} 0755 - - -\n`;
      return `${folder}${type}! /dev/${device} 0600 - - - ${major}:${minor}\n`;
    },
  },
  {
    name: 'devname',
    description: 'the modules.devname format.',
    text: ({ module, device, type, major, minor }) => `${module} ${device} ${type}${major}:${minor}\n`,
  },
];

const OPTIONS: OptionTable = {
  short: 'o:f:h',
  long: [
    { name: 'output', value: 'o', argument: true },
    { name: 'format', value: 'f', argument: true },
    { name: 'help', value: 'h' },
  ],
};

const HELP = `Usage:
	kmod static-nodes [options]

kmod static-nodes outputs the static-node information of the currently running kernel.

Options:
	-f, --format FORMAT  choose format to use: see "Formats"
	-o, --output FILE    write output to file
	-h, --help           show this help

Formats:
${FORMATS.map(({ name, description }) => `\t${name.padEnd(12)} ${description}\n`).join('')}`;

/** `kmod static-nodes`: device nodes to make at boot, so that opening them loads a module (kmod(8)). */
export function* staticNodes<Wait>(host: ToolHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const line = getopt('kmod', args, OPTIONS);
  let format = FORMATS[0];
  let output: string | undefined;
  for (const { value, argument } of line.options) {
    if (value === 'h') {
      host.out(HELP);
      return 0;
    }
    if (value === 'o') output = argument;
    if (value !== 'f') continue;
    const wanted = FORMATS.find(({ name }) => name === argument);
    if (!wanted) {
      host.err(`Unknown format: '${argument}'.\n`);
      host.out(HELP);
      return 1;
    }
    format = wanted;
  }
  if (line.kind === 'wrong') {
    host.err(line.message);
    return 1;
  }
  const path = `/lib/modules/${host.release}/modules.devname`;
  const text = readText(host.files, path);
  if (text === undefined) {
    host.err(`Warning: ${path} not found - ignoring\n`);
    return 0;
  }
  const { nodes, wrong } = parseNodes(text);
  for (const bad of wrong) host.err(`Error: invalid devname entry: ${bad}\n`);
  const result = nodes.map((node) => format.text(node)).join('');
  if (output === undefined) host.out(result);
  else if (!writeTo(host, host.absolute(output), result)) return 1;
  return wrong.length === 0 ? 0 : 1;
}

function writeTo<Wait>(host: ToolHost<Wait>, path: string, text: string): boolean {
  const slash = path.lastIndexOf('/');
  const directory = path.slice(0, slash) || '/';
  const errno = host.writer?.makeDirectories(directory) ?? EROFS;
  if (errno !== 0) {
    host.err(`Error: could not create parent directory for ${path} - ${strerror(errno)}.\n`);
    return false;
  }
  const content = new Map([[path.slice(slash + 1), rawBytes(text)]]);
  const [problem] = host.writer?.replaceFiles(directory, content) ?? [];
  if (problem) host.err(`Error: could not create ${path} - ${strerror(problem.errno)}\n`);
  return problem === undefined;
}

function parseNodes(text: string): { readonly nodes: StaticNode[]; readonly wrong: string[] } {
  const nodes: StaticNode[] = [];
  const wrong: string[] = [];
  for (const line of text.replace(/\n$/, '').split('\n')) {
    if (line.startsWith('#') || text === '') continue;
    const match = /^\s*(\S+)\s+(\S+)\s+([cb])\s*(\d+):\s*(\d+)/.exec(line);
    if (!match) {
      wrong.push(line);
      continue;
    }
    const [, module, device, type, major, minor] = match;
    nodes.push({
      module,
      device,
      type: type === 'c' ? 'c' : 'b',
      major: Number(major),
      minor: Number(minor),
    });
  }
  return { nodes, wrong };
}
