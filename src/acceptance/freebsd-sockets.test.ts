import { describe, expect, it } from 'vitest';
import type { FreebsdMachine } from '../machine/freebsd/machine.js';
import { machineWithKlds } from './testing/klds.js';

/** A listening socket with an accept filter, and a connection to it. */
class Server {
  readonly listener: number;

  constructor(
    readonly machine: FreebsdMachine,
    filter: string,
    argument = '',
  ) {
    const { sockets } = machine;
    this.listener = sockets.socket('STREAM', { nonblocking: true });
    sockets.bind(this.listener, '/server');
    sockets.listen(this.listener);
    sockets.setAcceptFilter(this.listener, filter, argument);
  }

  connect(): number {
    const client = this.machine.sockets.socket('STREAM');
    this.machine.sockets.connect(client, '/server');
    return client;
  }

  /** What a connection that accept(2) gives has been sent; undefined where it gives none. */
  accepted(): string | undefined {
    const { sockets } = this.machine;
    if (this.machine.fs.poll(this.listener, this.machine.kernel.macro('POLLIN')) === 0) {
      expect(() => sockets.accept(this.listener)).toThrow('accept: Resource temporarily unavailable');
      return undefined;
    }
    return new TextDecoder().decode(sockets.receive(sockets.accept(this.listener).descriptor, 100).bytes);
  }
}

function server(filter: string, argument = '', kld = `accf${filter}`): Server {
  const machine = machineWithKlds([kld]);
  machine.kldload(kld);
  return new Server(machine, filter, argument);
}

describe("a listening socket with a kld's accept filter", () => {
  it('does not give a connection before the filter lets it through', () => {
    const one = server('modbox');
    const client = one.connect();
    expect(one.accepted()).toBeUndefined();
    one.machine.sockets.send(client, 'ab');
    expect(one.accepted()).toBeUndefined();
    one.machine.sockets.send(client, 'c');
    expect(one.accepted()).toBe('abc');
    expect(one.machine.faults()).toEqual([]);
  });

  it('gives what is there at once', () => {
    const one = server('modbox');
    const [early, late] = [one.connect(), one.connect()];
    one.machine.sockets.send(late, 'late');
    one.machine.sockets.send(early, 'early');
    expect([one.accepted(), one.accepted(), one.accepted()]).toEqual(['late', 'early', undefined]);
  });

  it('has one filter at a time, which it tells of; and none before it listens', () => {
    const one = server('modbox');
    const { sockets } = one.machine;
    expect(sockets.acceptFilter(one.listener)).toBe('modbox');
    expect(() => sockets.setAcceptFilter(one.listener, 'modbox')).toThrow('setsockopt: Invalid argument');
    expect(() => sockets.setAcceptFilter(sockets.socket('STREAM'), 'modbox')).toThrow(
      'setsockopt: Invalid argument',
    );
    expect(() => sockets.setAcceptFilter(one.listener, 'nonesuch')).toThrow(
      'setsockopt: No such file or directory',
    );
    sockets.setAcceptFilter(one.listener, undefined);
    expect(() => sockets.acceptFilter(one.listener)).toThrow('getsockopt: Invalid argument');
    one.connect();
    const { descriptor } = sockets.accept(one.listener);
    expect(descriptor).toBeGreaterThan(0);
  });

  it('gives the filter its argument, and it back when the socket goes', () => {
    const one = server('count', '5');
    const { sockets } = one.machine;
    expect(() => new Server(machineWith('accfcount'), 'count', 'none')).toThrow(
      'setsockopt: Invalid argument',
    );
    const client = one.connect();
    sockets.send(client, '1234');
    expect(one.accepted()).toBeUndefined();
    sockets.send(client, '5');
    expect(one.accepted()).toBe('12345');
    one.machine.fs.close(one.listener);
    one.machine.exec('sysctl net.inet.accf.unloadable=1');
    one.machine.kldunload('accfcount.ko');
    expect(one.machine.leaks()).toEqual([]);
    expect(one.machine.faults()).toEqual([]);
  });
});

function machineWith(kld: string): FreebsdMachine {
  const machine = machineWithKlds([kld]);
  machine.kldload(kld);
  return machine;
}

it('an accept filter stays while net.inet.accf.unloadable is 0', () => {
  const machine = machineWith('accfmodbox');
  expect(() => machine.kldunload('accfmodbox.ko')).toThrow('Operation not supported');
  expect(machine.exec('sysctl net.inet.accf.unloadable=1').stdout).toBe('net.inet.accf.unloadable: 0 -> 1\n');
  machine.kldunload('accfmodbox.ko');
  expect(machine.faults()).toEqual([]);
});
