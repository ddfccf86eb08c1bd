import type { Ptr } from '../../../cpu/layout.js';
import type { AnyFunction } from '../../../kernel/abi/gate.js';
import { ENODEV, EOPNOTSUPP } from '../../errno.js';
import type { Subsystem } from '../../subsystem.js';

/** Socket operations that a protocol does not have: what each of the functions for them answers (net/core/sock.c). */
const ANSWERS: Readonly<Record<string, number>> = {
  sock_no_bind: -EOPNOTSUPP,
  sock_no_connect: -EOPNOTSUPP,
  sock_no_socketpair: -EOPNOTSUPP,
  sock_no_accept: -EOPNOTSUPP,
  sock_no_getname: -EOPNOTSUPP,
  sock_no_ioctl: -EOPNOTSUPP,
  sock_no_listen: -EOPNOTSUPP,
  sock_no_shutdown: -EOPNOTSUPP,
  sock_no_sendmsg: -EOPNOTSUPP,
  sock_no_sendmsg_locked: -EOPNOTSUPP,
  sock_no_recvmsg: -EOPNOTSUPP,
  sock_no_mmap: -ENODEV,
};

/** The "no such operation" functions that protocols put into their struct proto_ops. */
export class AbsentSocketOperations implements Subsystem {
  readonly exports: Readonly<Record<string, AnyFunction>> = Object.fromEntries(
    Object.entries(ANSWERS).map(([name, answer]) => [name, (_socket: Ptr) => answer]),
  );
}
