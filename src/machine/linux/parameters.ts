/** The words of a text of parameters: blanks between double quotes do not end one (next_arg of lib/cmdline.c). */
export function splitParameters(text: string): string[] {
  return text.match(/(?:[^\s"]|"[^"]*(?:"|$))+/g) ?? [];
}
