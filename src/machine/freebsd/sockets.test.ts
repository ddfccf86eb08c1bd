import { beforeEach, describe, expect, it } from 'vitest';
import type { FreebsdMachine } from './machine.js';
import type { FreebsdSockets } from './sockets.js';
import { bootWith } from './testing/own-klds.js';

let machine: FreebsdMachine;
let sockets: FreebsdSockets;

beforeEach(() => {
  machine = bootWith([]);
  ({ sockets } = machine);
});

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const read = (descriptor: number, count = 100, flags = 0): string =>
  text(sockets.receive(descriptor, count, flags).bytes);

function listening(path = '/s'): number {
  const listener = sockets.socket('STREAM', { nonblocking: true });
  sockets.bind(listener, path);
  sockets.listen(listener, 2);
  return listener;
}

function connected(path = '/s'): number {
  const client = sockets.socket('STREAM');
  sockets.connect(client, path);
  return client;
}

describe('a local stream', () => {
  it('is connected by a name in the file tree, and tells names at both ends', () => {
    const listener = listening();
    expect(machine.fs.stat('/s').kind).toBe('socket');
    const client = connected();
    const { descriptor, address } = sockets.accept(listener);
    expect(sockets.pathIn(address)).toBe('');
    expect([sockets.peer(client), sockets.name(descriptor), sockets.peer(descriptor)]).toEqual([
      '/s',
      '/s',
      '',
    ]);
  });

  it('has no records: what was written in two is read in one', () => {
    const [one, other] = sockets.pair('STREAM');
    sockets.send(one, 'GET ');
    sockets.send(one, '/');
    expect(read(other, 3)).toBe('GET');
    expect(read(other)).toBe(' /');
  });

  it('ends when the other end is closed or shut down', () => {
    const [one, other] = sockets.pair('STREAM');
    sockets.send(one, 'last');
    sockets.shutdown(one, 'WR');
    expect([read(other), read(other)]).toEqual(['last', '']);
    expect(() => sockets.send(one, 'more')).toThrow('send: Broken pipe');
    machine.fs.close(other);
    expect(read(one)).toBe('');
    expect(() => sockets.send(one, 'more')).toThrow('send: Broken pipe');
  });

  it('takes what fits, and more when the reader has read', () => {
    const [one, other] = sockets.pair('STREAM', { nonblocking: true });
    expect(sockets.send(one, 'x'.repeat(20_000))).toBe(8192);
    expect(() => sockets.send(one, 'y')).toThrow('send: Resource temporarily unavailable');
    expect(machine.fs.poll(one, machine.kernel.macro('POLLOUT'))).toBe(0);
    expect(read(other, 30_000)).toHaveLength(8192);
    expect(sockets.send(one, 'y')).toBe(1);
    expect(() => read(one)).toThrow('recv: Resource temporarily unavailable');
  });

  it('shows what waits with MSG_PEEK, and leaves it', () => {
    const [one, other] = sockets.pair('STREAM');
    sockets.send(one, 'look');
    expect(read(other, 10, machine.kernel.macro('MSG_PEEK'))).toBe('look');
    expect(read(other)).toBe('look');
  });

  it('refuses as connect(2) and listen(2) do', () => {
    const one = sockets.socket('STREAM');
    expect(() => sockets.listen(one)).toThrow('listen: Destination address required');
    expect(() => sockets.connect(one, '/none')).toThrow('connect: No such file or directory');
    machine.fs.writeFile('/plain', '');
    expect(() => sockets.connect(one, '/plain')).toThrow('connect: Socket operation on non-socket');
    expect(() => sockets.bind(one, '/plain')).toThrow('bind: Address already in use');
    expect(() => read(one)).toThrow('recv: Socket is not connected');
    const listener = listening();
    expect(() => sockets.connect(sockets.socket('DGRAM'), '/s')).toThrow(
      'connect: Protocol wrong type for socket',
    );
    machine.fs.close(listener);
    expect(() => sockets.connect(one, '/s')).toThrow('connect: Connection refused');
  });

  it('is refused when too many wait to be accepted, which the kernel logs', () => {
    const listener = listening();
    for (let i = 0; i < 4; i++) connected();
    expect(() => connected()).toThrow('connect: Connection refused');
    expect(machine.log.since(0).at(-1)?.text).toMatch(
      /^sonewconn: pcb 0x[0-9a-f]+: Listen queue overflow: 4 already in queue awaiting acceptance/,
    );
    sockets.accept(listener);
    expect(sockets.send(connected(), 'x')).toBe(1);
  });

  it('of a connection that nobody accepted is reset when the listening socket goes', () => {
    const listener = listening();
    const client = connected();
    machine.fs.close(listener);
    expect(() => read(client)).toThrow('recv: Connection reset by peer');
  });
});

describe('local records and datagrams', () => {
  it.each(['SEQPACKET', 'DGRAM'] as const)('%s come as they were sent; the rest of one is lost', (type) => {
    const [one, other] = sockets.pair(type);
    for (const record of ['hello', 'world']) sockets.send(one, record);
    const cut = sockets.receive(other, 3);
    expect([text(cut.bytes), cut.flags]).toEqual(['hel', machine.kernel.macro('MSG_TRUNC')]);
    expect(read(other)).toBe('world');
  });

  it('go to a name without a connection, and say who sent them', () => {
    const [server, client] = [sockets.socket('DGRAM'), sockets.socket('DGRAM')];
    sockets.bind(server, '/server');
    sockets.bind(client, '/client');
    sockets.send(client, 'to you', 0, '/server');
    const { bytes, address } = sockets.receive(server, 100);
    expect([text(bytes), sockets.pathIn(address ?? new Uint8Array())]).toEqual(['to you', '/client']);
    expect(() => sockets.send(client, 'to whom')).toThrow('send: Socket is not connected');
  });

  it('are not taken when they are too long or too many', () => {
    const [one] = sockets.pair('DGRAM');
    expect(() => sockets.send(one, 'x'.repeat(8193))).toThrow('send: Message too long');
    sockets.send(one, 'x'.repeat(8192));
    expect(() => sockets.send(one, 'x'.repeat(8192))).toThrow('send: No buffer space available');
  });
});

describe('options of sockets', () => {
  const option = (descriptor: number, name: string): number => {
    const { kernel } = machine;
    const bytes = sockets.getOption(descriptor, kernel.macro('SOL_SOCKET'), kernel.macro(name), 4);
    return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  };

  it('tell its type, and how many wait for accept(2)', () => {
    const listener = listening();
    connected();
    expect(option(listener, 'SO_TYPE')).toBe(machine.kernel.macro('SOCK_STREAM'));
    expect([option(listener, 'SO_LISTENQLEN'), option(listener, 'SO_LISTENQLIMIT')]).toEqual([1, 2]);
  });

  it('give the credentials of the other end', () => {
    const listener = listening();
    connected();
    const { descriptor } = sockets.accept(listener);
    const { kernel } = machine;
    const [level, name] = [kernel.macro('SOL_LOCAL'), kernel.macro('LOCAL_PEERCRED')];
    const bytes = sockets.getOption(descriptor, level, name, kernel.sizeOf('xucred'));
    const at = kernel.struct('xucred').offsetOf('cr_uid');
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true)).toBe(0);
  });
});

it('sockets that are closed leave nothing, and nothing was found wrong', () => {
  const listener = listening();
  const client = connected();
  const { descriptor } = sockets.accept(listener);
  sockets.send(client, 'unread');
  for (const one of [client, descriptor, listener]) machine.fs.close(one);
  expect([...machine.kernel.holdings()].filter(({ kind }) => kind === 'socket')).toEqual([]);
  expect(machine.faults()).toEqual([]);
});
