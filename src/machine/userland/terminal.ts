/** Where a process writes: text as it comes, lines with their ends. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
}

/** Keeps what is written. */
export class CapturedOutput implements Terminal {
  stdout = '';
  stderr = '';

  out(text: string): void {
    this.stdout += text;
  }

  err(text: string): void {
    this.stderr += text;
  }
}

/** Lines of a text, without an empty one after the last newline. */
export function linesOf(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}
