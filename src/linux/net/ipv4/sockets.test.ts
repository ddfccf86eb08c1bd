import { beforeAll, describe, expect, it } from 'vitest';
import type { Sleepable } from '../../../kernel/effects.js';
import { runNow } from '../../../kernel/effects.js';
import { Machine } from '../../../machine/linux/machine.js';
import type { LinuxTarget } from '../../../target/index.js';
import { loadBundled } from '../../../target/node/index.js';
import { KernelSockets } from '../core/socket.js';
import { portOf } from './inet-bind.js';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const EINVAL = -22;
const EADDRINUSE = -98;
const EADDRNOTAVAIL = -99;
const ENOTCONN = -107;
const LOOPBACK = 0x0100_007f;

describe('sockets of the kernel’s own', () => {
  let target: LinuxTarget;

  beforeAll(() => {
    target = loadBundled();
  });

  class Sockets {
    readonly machine = Machine.boot({ target });
    readonly k = this.machine.kernel;
    readonly api = this.k.get(KernelSockets).exports;

    run<T>(body: Sleepable<T>): T {
      let result: T | undefined;
      this.machine.process('test', function* () {
        result = yield* body;
        return 0;
      });
      return result as T;
    }

    create(family: number, type: number): number {
      const slot = this.k.slab.allocateBytes(8, true);
      expect(this.run(this.api.sock_create_kern(this.k.symbol('init_net'), family, type, 0, slot))).toBe(0);
      const socket = this.k.space.loadPtr(slot);
      this.k.slab.free(slot);
      return socket;
    }

    bind(socket: number, port: number, address = 0): number {
      const { k } = this;
      const type = k.struct('sockaddr_in');
      const at = k.slab.allocateBytes(type.size, true);
      type.set(at, 'sin_family', AF_INET);
      type.set(at, 'sin_port', portOf(port));
      type.set(at, 'sin_addr.s_addr', address);
      const result = this.run(this.api.kernel_bind(socket, at, type.size));
      k.slab.free(at);
      return result;
    }

    port(socket: number): number {
      const { k } = this;
      const type = k.struct('sockaddr_in');
      const at = k.slab.allocateBytes(type.size, true);
      expect(this.run(this.api.kernel_getsockname(socket, at))).toBe(type.size);
      const port = portOf(type.get(at, 'sin_port'));
      k.slab.free(at);
      return port;
    }
  }

  it('a stream socket is bound, listens and gives everything back', () => {
    const sockets = new Sockets();
    sockets.run(sockets.api.sock_release(sockets.create(AF_INET, SOCK_STREAM)));
    const { bytes } = sockets.k.ledger;
    const socket = sockets.create(AF_INET, SOCK_STREAM);
    expect(sockets.bind(socket, 6379)).toBe(0);
    expect(sockets.port(socket)).toBe(6379);
    expect(sockets.bind(socket, 6380)).toBe(EINVAL);
    expect(sockets.run(sockets.api.kernel_listen(socket, 64))).toBe(0);
    const sk = sockets.k.struct('socket').get(socket, 'sk');
    expect(sockets.k.struct('sock').get(sk, '__sk_common.skc_state')).toBe(10);
    sockets.run(sockets.api.sock_release(socket));
    expect(sockets.k.ledger.bytes).toBe(bytes);
  });

  it('a port is taken once, and free again when its socket is gone', () => {
    const sockets = new Sockets();
    const [first, second, datagram] = [SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM].map((type) =>
      sockets.create(AF_INET, type),
    );
    expect(sockets.bind(first, 4791)).toBe(0);
    expect(sockets.bind(second, 4791)).toBe(EADDRINUSE);
    expect(sockets.bind(datagram, 4791)).toBe(0);
    sockets.run(sockets.api.sock_release(first));
    expect(sockets.bind(second, 4791)).toBe(0);
  });

  it('port 0 is any that is free; an address that no interface has is refused', () => {
    const sockets = new Sockets();
    const socket = sockets.create(AF_INET, SOCK_DGRAM);
    expect(sockets.bind(socket, 80, LOOPBACK)).toBe(EADDRNOTAVAIL);
    expect(sockets.bind(socket, 0)).toBe(0);
    expect(sockets.port(socket)).toBeGreaterThanOrEqual(32_768);
    expect(sockets.port(socket)).toBeLessThan(61_000);
  });

  it('shutting down what is not connected says so; IPv6 sockets are released as well', () => {
    const sockets = new Sockets();
    const socket = sockets.create(AF_INET6, SOCK_DGRAM);
    expect(sockets.run(sockets.api.kernel_sock_shutdown(socket, 2))).toBe(ENOTCONN);
    sockets.run(sockets.api.sock_release(socket));
  });

  it('raw sockets are reported as missing, not refused', () => {
    const { k, api } = new Sockets();
    const slot = k.slab.allocateBytes(8, true);
    expect(() => runNow(api.sock_create_kern(k.symbol('init_net'), AF_INET, SOCK_RAW, 1, slot))).toThrow(
      'raw sockets is not implemented',
    );
  });
});
