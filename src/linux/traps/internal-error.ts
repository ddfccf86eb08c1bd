/** Whether an error says that functions of the host called each other too deeply. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && /call stack/.test(error.message);
}

/**
 * An error that nobody expected, in one line, and the functions of the host that it came through: `name (file:line:column)`, the
 * file without its folders, which are those of somebody's machine.
 */
export function describeInternal(error: unknown): { readonly message: string; readonly places: string[] } {
  if (!(error instanceof Error)) return { message: String(error), places: [] };
  const places = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s*at /.test(line))
    .map((line) =>
      line
        .trim()
        .replace(/^at /, '')
        .replace(/[^\s(]*[/\\]/g, ''),
    );
  return { message: `${error.name}: ${error.message}`.split('\n')[0], places };
}
