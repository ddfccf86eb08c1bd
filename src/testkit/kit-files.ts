import type { FileStatus, Machine, MachineFileSystem } from '../index.js';

/** Does something to the machine of now. */
type Act = <T>(step: (machine: Machine) => T) => T;

/** System calls on the files of a test's machine; what a test leaves open is closed at its end, as that of a process that ends is. */
export class KitFiles {
  private readonly descriptors = new Set<number>();

  constructor(private readonly act: Act) {}

  private call<T>(step: (fs: MachineFileSystem) => T): T {
    return this.act((machine) => step(machine.fs));
  }

  /** open(2): a descriptor. `flags` as in fcntl.h: to read by default. */
  open(path: string, flags = 0, mode = 0o666): number {
    const fd = this.call((fs) => fs.open(path, flags, mode));
    this.descriptors.add(fd);
    return fd;
  }

  close(fd: number): void {
    this.descriptors.delete(fd);
    this.call((fs) => fs.close(fd));
  }

  read(fd: number, count: number): Uint8Array {
    return this.call((fs) => fs.read(fd, count));
  }

  write(fd: number, content: Uint8Array | string): number {
    return this.call((fs) => fs.write(fd, content));
  }

  seek(fd: number, offset: number, whence = 0): number {
    return this.call((fs) => fs.seek(fd, offset, whence));
  }

  ioctl(fd: number, request: number, argument: bigint | number = 0): number {
    return this.call((fs) => fs.ioctl(fd, request, argument));
  }

  poll(fd: number, events: number, timeoutNs = 0): number {
    return this.call((fs) => fs.poll(fd, events, timeoutNs));
  }

  readFile(path: string): Uint8Array {
    return this.call((fs) => fs.readFile(path));
  }

  writeFile(path: string, content: Uint8Array | string): void {
    this.call((fs) => fs.writeFile(path, content));
  }

  list(path: string): readonly string[] {
    return this.call((fs) => fs.list(path));
  }

  stat(path: string): FileStatus {
    return this.call((fs) => fs.stat(path));
  }

  /** Descriptors that are open. */
  get opened(): Iterable<number> {
    return this.descriptors;
  }

  /** The machine is another one, in which these are open. */
  reopen(descriptors: Iterable<number>): void {
    this.descriptors.clear();
    for (const fd of descriptors) this.descriptors.add(fd);
  }

  closeAll(): void {
    for (const fd of [...this.descriptors]) this.close(fd);
  }
}
