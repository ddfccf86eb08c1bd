import { vi } from 'vitest';
import { explain } from '../failure.js';

export interface CommandEnd {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command's main() in this process, as src/cli/main.ts would, and keeps what it writes. */
export async function runCommand(
  main: (args: readonly string[]) => Promise<number>,
  args: readonly string[],
): Promise<CommandEnd> {
  const written = { out: '', err: '' };
  const keep = (stream: 'out' | 'err') => (data: string | Uint8Array) => {
    written[stream] += typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep('out'));
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(keep('err'));
  try {
    const status = await main(args).catch(explain);
    return { status, ...written };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}
