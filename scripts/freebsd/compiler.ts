import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const CLANG = 'clang-14';
const MAX_OUTPUT = 0x1000_0000;

/** The flags that FreeBSD's own makefiles give to modules of amd64 (sys/conf/kmod.mk, kern.mk, kern.pre.mk), as far as they decide layouts. */
const FLAGS = [
  '-target',
  'x86_64-unknown-freebsd14.2',
  '-std=gnu11',
  '-D_KERNEL',
  '-DKLD_MODULE',
  '-DSMP',
  '-DVIMAGE',
  // Options of GENERIC that decide what headers declare; in a build they come from opt_*.h.
  '-DMAC',
  '-DAUDIT',
  '-DRACCT',
  '-DNUMA',
  '-DDEV_NETMAP',
  '-DINET',
  '-DINET6',
  '-DIPSEC_SUPPORT',
  '-DSCTP_SUPPORT',
  '-DTCP_OFFLOAD',
  '-DTCP_BLACKBOX',
  '-DTCP_HHOOK',
  '-DTCP_RFC7413',
  '-DKERN_TLS',
  '-DROUTE_MPATH',
  '-DRATELIMIT',
  '-DCOMPAT_FREEBSD32',
  '-DACCEPT_FILTER_MOD',
  '-DCAPABILITIES',
  '-DCAPABILITY_MODE',
  '-nostdinc',
  '-mcmodel=kernel',
  '-mno-red-zone',
  '-mno-mmx',
  '-mno-sse',
  '-msoft-float',
  '-ffreestanding',
  '-fwrapv',
  '-fno-common',
  '-fno-omit-frame-pointer',
  '-w',
];

export interface CompileError {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** clang as it compiles a FreeBSD module, over files of one working folder. */
export class Compiler {
  private readonly flags: readonly string[];

  /** `includes` are searched in their order; `osreldate` is __FreeBSD_version. */
  constructor(
    readonly folder: string,
    includes: readonly string[],
    osreldate: number,
  ) {
    this.flags = [
      ...FLAGS,
      `-D__FreeBSD_version=${osreldate}`,
      ...includes.flatMap((include) => ['-isystem', include]),
    ];
  }

  write(name: string, lines: readonly string[]): string {
    const path = join(this.folder, name);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  }

  /** What is wrong with a file; nothing where it compiles. `limit`: stop after so many, 0 for never. */
  errors(source: string, extra: readonly string[] = [], limit = 1): readonly CompileError[] {
    const { stderr, status } = this.run(['-fsyntax-only', `-ferror-limit=${limit}`, ...extra, source]);
    const errors = parseErrors(stderr);
    if (status !== 0 && errors.length === 0) throw new Error(`${CLANG} ${source}: ${stderr}`);
    return errors;
  }

  /** Runs clang; throws where it fails. Answers what it printed. */
  compile(args: readonly string[]): string {
    const { stdout, stderr, status } = this.run(args);
    if (status !== 0) throw new Error(`${CLANG} ${args.join(' ')}: ${stderr.slice(0, 4000)}`);
    return stdout;
  }

  /** The lines that clang prints, one after the other. */
  async *lines(args: readonly string[]): AsyncGenerator<string> {
    const child = spawn(CLANG, [...this.flags, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    yield* createInterface({ input: child.stdout });
    const status = await ended;
    if (status !== 0) throw new Error(`${CLANG} ${args.join(' ')}: ended with ${status}`);
  }

  private run(args: readonly string[]) {
    const result = spawnSync(CLANG, [...this.flags, ...args], { encoding: 'utf8', maxBuffer: MAX_OUTPUT });
    if (result.error) throw result.error;
    return result;
  }
}

function parseErrors(stderr: string): CompileError[] {
  return stderr.split('\n').flatMap((line) => {
    const [, file, number, text] = /^(.*?):(\d+):\d+: (?:fatal )?error: (.*)$/.exec(line) ?? [];
    return file === undefined ? [] : [{ file, line: Number(number), text }];
  });
}

/** Runs a program; throws where it fails. */
export function runProgram(program: string, args: readonly string[], cwd?: string): string {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: MAX_OUTPUT, cwd });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.stderr.slice(0, 4000)}`);
  return result.stdout;
}
