import { createInterface, type Interface } from 'node:readline';
import { type BootRequest, type FreebsdMachineOptions, MemoryFiles, openLoader } from '../../index.js';

/** Streams that somebody types at, and reads. */
export interface PromptStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** The loader's prompt: what is to be booted, or 'left' where its input ends. */
export async function atLoaderPrompt(
  options: FreebsdMachineOptions,
  { input, output }: PromptStreams = { input: process.stdin, output: process.stdout },
): Promise<BootRequest | 'left'> {
  const { target, environment, files = new MemoryFiles() } = options;
  const out = (text: string): void => void output.write(text);
  const loader = openLoader({ target, files, ...(environment && { environment }), out });
  out(loader.greeting());
  const lines = createInterface({ input, output, prompt: loader.prompt() });
  return await new Promise((resolve) => {
    const end = (result: BootRequest | 'left'): void => {
      resolve(result);
      lines.close();
    };
    lines.on('close', () => resolve('left'));
    lines.on('line', (line) => {
      const request = loader.run(line);
      if (request) end(request);
      else ask(lines, loader.prompt());
    });
    lines.prompt();
  });
}

function ask(lines: Interface, prompt: string): void {
  lines.setPrompt(prompt);
  lines.prompt();
}
