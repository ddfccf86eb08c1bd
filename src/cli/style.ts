/** Colours, or none. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

/** For a terminal, unless NO_COLOR is set (https://no-color.org). */
export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  const on = stream.isTTY === true && !process.env.NO_COLOR;
  const code = (start: number, end: number) => (text: string) =>
    on ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  return {
    bold: code(1, 22),
    dim: code(2, 22),
    red: code(31, 39),
    green: code(32, 39),
    yellow: code(33, 39),
  };
}
