/**
 * A module's parameters out of a command line's arguments, as one text. A value with blanks in it goes between
 * double quotes, unless it is quoted already.
 */
export function moduleOptions(args: readonly string[]): string {
  return args.map(quoted).join(' ');
}

function quoted(argument: string): string {
  const equals = argument.indexOf('=');
  if (equals < 0) return argument;
  const value = argument.slice(equals + 1);
  if (!value.includes(' ') || value.startsWith('"') || value.startsWith("'")) return argument;
  return `${argument.slice(0, equals + 1)}"${value}"`;
}
