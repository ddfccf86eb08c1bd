import { MachineError } from '../index.js';

/** What completion asks of a machine's files. What is not there throws a MachineError. */
export interface CompletedFiles {
  list(path: string): readonly string[];
  isDirectory(path: string): boolean;
}

/** What Tab makes of a line: commands at the beginning of one, else paths of the machine. */
export function complete(
  line: string,
  commands: readonly string[],
  fs: CompletedFiles,
  directory: string,
): [string[], string] {
  const word = /[^\s;&|<>()'"]*$/.exec(line)?.[0] ?? '';
  const before = line.slice(0, line.length - word.length).trimEnd();
  const isCommand = !word.includes('/') && /(?:^|[;&|(]|\b(?:then|do|else|if|while|until))$/.test(before);
  if (isCommand) return [commands.filter((name) => name.startsWith(word)).map((name) => `${name} `), word];
  return [paths(word, fs, directory), word];
}

function paths(word: string, fs: CompletedFiles, directory: string): string[] {
  const slash = word.lastIndexOf('/');
  const folder = word.slice(0, slash + 1);
  const start = word.slice(slash + 1);
  const absolute = (path: string): string => (path.startsWith('/') ? path : `${directory}/${path}`);
  try {
    return [...fs.list(absolute(folder || '.'))]
      .filter((name) => name.startsWith(start) && (start !== '' || !name.startsWith('.')))
      .sort()
      .map((name) => `${folder}${name}${isDirectory(fs, absolute(folder + name)) ? '/' : ' '}`);
  } catch (error) {
    // There is no such directory.
    if (error instanceof MachineError) return [];
    throw error;
  }
}

function isDirectory(fs: CompletedFiles, path: string): boolean {
  try {
    return fs.isDirectory(path);
  } catch (error) {
    if (error instanceof MachineError) return false;
    throw error;
  }
}
