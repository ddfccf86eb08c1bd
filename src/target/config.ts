/** Parses a kernel .config: `CONFIG_X=y`, strings without their quotes, "is not set" left out. */
export function parseConfig(text: string): Map<string, string> {
  const config = new Map<string, string>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0 || !line.startsWith('CONFIG_')) continue;
    config.set(line.slice(0, equals), unquote(line.slice(equals + 1)));
  }
  return config;
}

function unquote(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
}
