import type { Sleepable } from '../../../kernel/effects.js';
import { Ipv4Host } from '../../../linux/net/ipv4/host.js';
import { Delays } from '../../../linux/time/delay.js';
import { type Applet, AppletUsageError, parseFlags } from './applet.js';

const CONTENT_BYTES = 56;
const INTERVAL_NS = 1e9;
const DEFAULT_COUNT = 4;
const DEFAULT_WAIT_S = 10;
let nextId = 1;

/** A dotted address as a number; undefined for what is none. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  const isByte = (part: number): boolean => Number.isInteger(part) && part >= 0 && part < 256;
  if (parts.length !== 4 || !/^[\d.]+$/.test(text) || !parts.every(isByte)) return undefined;
  return parts.reduce((value, part) => value * 256 + part, 0);
}

export const pingApplet: Applet = {
  name: 'ping',
  usage: 'ping [-c COUNT] [-W SECONDS] ADDRESS',
  summary: 'Asks a host for an echo.',
  *run({ args, machine, io }): Sleepable<number> {
    const { values, operands } = parseFlags(args, ['c=', 'W=', 'q']);
    const [host] = operands;
    if (host === undefined) throw new AppletUsageError('which address?');
    const target = parseAddress(host);
    if (target === undefined) {
      io.err(`ping: bad address '${host}'\n`);
      return 1;
    }
    const { kernel } = machine;
    const ip = kernel.get(Ipv4Host);
    const source = ip.sourceFor(target);
    if (!source) {
      io.err('ping: sendto: Network is unreachable\n');
      return 1;
    }
    const count = Number(values.get('c') ?? DEFAULT_COUNT);
    const wait = Number(values.get('W') ?? DEFAULT_WAIT_S) * 1e9;
    const id = nextId++ & 0xffff;
    io.out(`PING ${host} (${host}): ${CONTENT_BYTES} data bytes\n`);
    let received = 0;
    for (let sequence = 0; sequence < count; sequence++) {
      if (sequence > 0) yield* kernel.get(Delays).sleep(INTERVAL_NS);
      const started = kernel.clock.now;
      const sent = yield* ip.sendEcho(source, target, {
        id,
        sequence,
        content: new Array(CONTENT_BYTES).fill(0),
      });
      if (!sent || !(yield* ip.waitEcho(id, sequence, wait))) continue;
      received++;
      const ms = ((kernel.clock.now - started) / 1e6).toFixed(3);
      io.out(`${CONTENT_BYTES + 8} bytes from ${host}: seq=${sequence} time=${ms} ms\n`);
    }
    const lost = Math.round((100 * (count - received)) / count);
    io.out(`\n--- ${host} ping statistics ---\n`);
    io.out(`${count} packets transmitted, ${received} packets received, ${lost}% packet loss\n`);
    return received > 0 ? 0 : 1;
  },
};
