import { WORD } from '../../../conventions/amd64.js';
import type { Ptr } from '../../../cpu/layout.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { EFAULT } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Uaccess } from '../../mm/uaccess.js';
import type { Subsystem } from '../../subsystem.js';

/** struct cmsghdr: cmsg_len, cmsg_level, cmsg_type; what it says comes behind, and the next begins at a multiple of a word. */
const HEADER = 16;
// include/linux/socket.h
const MSG_CTRUNC = 0x08;
const MSG_CMSG_COMPAT = 0x8000_0000;

/** Control messages that a receiver gets beside its data (net/core/scm.c). */
export class ControlMessages implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    put_cmsg: (message: Ptr, level: number, type: number, length: number, data: Ptr) =>
      this.put(message, level, type, length, data),
  };

  /** put_cmsg(): as much of it as there is room for. 0, or -EFAULT where the receiver's memory cannot be written. */
  private put(message: Ptr, level: number, type: number, length: number, data: Ptr): number {
    const { k } = this;
    const msghdr = k.struct('msghdr');
    const flags = msghdr.get(message, 'msg_flags');
    if (flags & MSG_CMSG_COMPAT) throw new Unimplemented('control messages of 32-bit system calls', '');
    const control = msghdr.get(message, 'msg_control');
    const room = msghdr.get(message, 'msg_controllen');
    if (room < HEADER + length) msghdr.set(message, 'msg_flags', (flags | MSG_CTRUNC) >>> 0);
    if (control === 0 || room < HEADER) return 0;
    const bytes = Math.min(HEADER + length, room);
    const header = k.slab.allocateBytes(HEADER, true);
    k.space.store32(header, bytes);
    k.space.store32(header + 8, level);
    k.space.store32(header + 12, type);
    const isUser = msghdr.get(message, 'msg_control_is_user') !== 0;
    const fault =
      this.copy(control, header, HEADER, isUser) || this.copy(control + HEADER, data, bytes - HEADER, isUser);
    k.slab.free(header);
    if (fault) return -EFAULT;
    const used = Math.min(HEADER + Math.ceil(length / WORD) * WORD, room);
    msghdr.set(message, 'msg_control', control + used);
    msghdr.set(message, 'msg_controllen', room - used);
    return 0;
  }

  /** Whether a part could not be written. */
  private copy(to: Ptr, from: Ptr, count: number, isUser: boolean): boolean {
    const { k } = this;
    if (isUser) return k.get(Uaccess).toUser(to, from, count) !== 0;
    k.space.writable(to, count).set(k.space.readable(from, count));
    return false;
  }
}
