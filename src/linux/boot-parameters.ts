/**
 * The value of a boot parameter: of its last mention, '' where it is given without one, undefined where it is not
 * given. Dashes and underscores are the same in names (parameq() of kernel/params.c).
 */
export function bootParameter(cmdline: string, name: string): string | undefined {
  let found: string | undefined;
  for (const word of cmdline.split(/\s+/)) {
    const [key, ...value] = word.split('=');
    if (key.replaceAll('-', '_') === name.replaceAll('-', '_')) found = value.join('=');
  }
  return found;
}

/** Whether a boolean parameter is on (param_set_bool()): given alone, it is. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(?:$|[yY1]|on)/i.test(value);
}

/** The items of a parameter that is a list with commas. */
export function bootList(cmdline: string, name: string): readonly string[] {
  return bootParameter(cmdline, name)?.split(',').filter(Boolean) ?? [];
}
