/** QEMU cannot do what is asked of it, or is gone; the message has its own words where it said any. */
export class QemuError extends Error {
  override readonly name = 'QemuError';
}
