import { MemoryFiles } from '../../files/file-source.js';
import { LoaderEnvironment } from '../loader/environment.js';
import type { LoadableKernel } from '../loader/file-loader.js';
import { Loader, type LoaderHost } from '../loader/loader.js';
import { hintsModule } from './captured.js';

const KERNEL: LoadableKernel = {
  address: 0x200000n,
  size: 0x1000,
  text: 'text=0x1000',
  modules: [
    { name: 'pci', version: 1 },
    { name: 'kernel', version: 1402000 },
  ],
};

/** A loader on files in memory; `kernel` files are kernels. */
export class FakeLoader implements LoaderHost {
  readonly environment = new LoaderEnvironment();
  readonly files: MemoryFiles;
  readonly loader: Loader;
  private written = '';

  constructor(files: Readonly<Record<string, string | Uint8Array>>) {
    this.files = new MemoryFiles(Object.entries(files));
    this.loader = new Loader(this);
  }

  kernel(path: string): LoadableKernel | undefined {
    return path.endsWith('/kernel') && this.files.read(path) ? KERNEL : undefined;
  }

  out(text: string): void {
    this.written += text;
  }

  /** What was written since the last time. */
  said(): string {
    const text = this.written;
    this.written = '';
    return text;
  }

  /** Runs a line and gives what it wrote. */
  line(text: string): string {
    this.loader.run(text);
    return this.said();
  }
}

/** /boot of a small system: a kernel, modules of tests/modules/freebsd/hints, and what is given besides. */
export function smallBoot(more: Readonly<Record<string, string | Uint8Array>> = {}): FakeLoader {
  return new FakeLoader({
    '/boot/kernel/kernel': 'k',
    '/boot/kernel/plain.ko': hintsModule('plain.ko'),
    '/boot/kernel/devices.ko': hintsModule('devices.ko'),
    '/boot/kernel/broken.ko': hintsModule('broken.ko'),
    '/boot/modules/text.ko': 'no module',
    ...more,
  });
}
