import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QemuError } from './qemu-error.js';

/** Debian's package has this one; it is looked for in PATH. */
export const PROGRAM = 'qemu-system-x86_64';
const SHARED_MEMORY = '/dev/shm';
const BIOS_BYTES = 0x1_0000;
const RESET_VECTOR = 0xfff0;
/** cli; hlt; jmp to the hlt: a CPU that does nothing for ever. */
const HALT = [0xfa, 0xf4, 0xeb, 0xfd];
const READ_BYTES = 0x1_0000;

/**
 * Runs QEMU, with what it says on descriptors 0 and 1, for as long as descriptor 3 is held by somebody: it does not outlive who started it, however
 * that one ends. Descriptors 0 and 1 are QEMU's alone, so that its end is seen at them.
 */
const KEEPER = `
dir=$1; shift
"$@" <&4 3<&- 4<&- & qemu=$!
exec >/dev/null 4<&- </dev/null
read _ <&3
kill $qemu 2>/dev/null; wait $qemu
rm -rf "$dir"
`;

/** A QEMU process whose CPU is halted, and its memory. Input and output are synchronous: an access of machine code to a device is one. */
export class QemuProcess {
  private readonly buffer = Buffer.alloc(READ_BYTES);
  private open = true;

  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
    private readonly toQemu: number,
    private readonly fromQemu: number,
    private readonly hold: number,
    /** Descriptor of the file that is its memory: an address is an offset. */
    readonly memory: number,
  ) {}

  /** Starts it. Throws QemuError where it is not installed; what it does not understand is found out with the first answer. */
  static start(args: readonly string[], memoryBytes: number): QemuProcess {
    const folder = mkdtempSync(join(placeForMemory(), 'modbox-qemu-'));
    try {
      return QemuProcess.startIn(folder, args, memoryBytes);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private static startIn(folder: string, args: readonly string[], memoryBytes: number): QemuProcess {
    const memory = openSync(join(folder, 'memory'), 'w+', 0o600);
    ftruncateSync(memory, memoryBytes);
    writeFileSync(join(folder, 'bios'), haltingBios());
    const input = pipeIn(folder, 'input');
    const output = pipeIn(folder, 'output');
    const held = pipeIn(folder, 'hold');
    const errors = openSync(join(folder, 'errors'), 'w', 0o600);
    const child = spawn(
      '/bin/sh',
      ['-c', `exec 4<&0\n${KEEPER}`, 'sh', folder, ...commandOf(folder, memoryBytes), ...args],
      { stdio: [input.reader, output.writer, errors, held.reader] },
    );
    child.on('error', () => {});
    child.unref();
    for (const fd of [input.reader, output.writer, errors, held.reader]) closeSync(fd);
    return new QemuProcess(folder, child, input.writer, output.reader, held.writer, memory);
  }

  /** The process that holds it. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Throws QemuError if it is gone. */
  write(text: string): void {
    if (!this.open) throw new QemuError('QEMU was stopped');
    try {
      writeSync(this.toQemu, text);
    } catch (error) {
      throw this.gone(error);
    }
  }

  /** What it says next: waits for it. Throws QemuError if it is gone. */
  read(): string {
    if (!this.open) throw new QemuError('QEMU was stopped');
    const bytes = readSync(this.fromQemu, this.buffer, 0, READ_BYTES, null);
    if (bytes === 0) throw this.gone();
    return this.buffer.toString('latin1', 0, bytes);
  }

  /** Ends it. Nothing of it is left: no process, no file. */
  stop(): void {
    if (!this.open) return;
    this.open = false;
    for (const fd of [this.toQemu, this.fromQemu, this.memory, this.hold]) closeSync(fd);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private gone(cause?: unknown): QemuError {
    const said = readFileSync(join(this.folder, 'errors'), 'utf8').trim();
    this.stop();
    if (/^sh: .*not found$/m.test(said))
      return new QemuError(`${PROGRAM} is not installed (Debian: qemu-system-x86), or not in PATH`, {
        cause,
      });
    return new QemuError(said === '' ? 'QEMU has ended without a word' : said, { cause });
  }
}

/** Memory that is a file is fast where files are memory. */
function placeForMemory(): string {
  try {
    accessSync(SHARED_MEMORY, constants.W_OK);
    return SHARED_MEMORY;
  } catch {
    return tmpdir();
  }
}

function haltingBios(): Uint8Array {
  const bios = new Uint8Array(BIOS_BYTES).fill(0xf4);
  bios.set(HALT, RESET_VECTOR);
  return bios;
}

/** A Q35 PC without the parts that would interrupt by themselves, and with nothing that was not asked for. */
function commandOf(folder: string, memoryBytes: number): readonly string[] {
  const memory = `memory-backend-file,id=ram,size=${memoryBytes},mem-path=${join(folder, 'memory')},share=on`;
  return [
    PROGRAM,
    '-nodefaults',
    '-no-user-config',
    ...['-M', 'q35,hpet=off,pit=off,memory-backend=ram'],
    ...['-object', memory],
    ...['-m', `${memoryBytes}B`],
    ...['-display', 'none'],
    ...['-accel', 'tcg'],
    ...['-bios', join(folder, 'bios')],
    ...['-qtest', 'stdio'],
    ...['-qtest-log', '/dev/null'],
  ];
}

/** Both ends of a pipe. Node's own pipes are sockets that cannot be waited for. */
function pipeIn(folder: string, name: string): { readonly reader: number; readonly writer: number } {
  const path = join(folder, name);
  execFileSync('mkfifo', ['-m', '600', path]);
  // Who opens one end waits for the other; this one has both.
  const both = openSync(path, 'r+');
  const ends = { reader: openSync(path, 'r'), writer: openSync(path, 'w') };
  closeSync(both);
  return ends;
}
