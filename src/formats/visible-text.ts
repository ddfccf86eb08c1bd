/**
 * Controls (C0 but for tab and newline, DEL, C1), what turns the direction of text, and what is no character: a terminal would
 * obey, or show another text than the one that is there.
 */
const UNSEEN = /(?![\t\n])[\p{Cc}\p{Cs}\p{Bidi_Control}]/gu;

/** Stray bytes of a file's text (src/files/raw-text.ts) are lone surrogates from here on. */
const STRAY = 0xdc00;

/**
 * Text of modules, logs and files as a terminal may be given it: what is not to be seen is `\x1b`, as the kernel's log shows
 * it, or `\u202e`. Tabs and newlines stay.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => {
    const code = character.codePointAt(0)!;
    if (code >= STRAY + 0x80 && code <= STRAY + 0xff) return hex('\\x', code - STRAY, 2);
    return code < 0x100 ? hex('\\x', code, 2) : hex('\\u', code, 4);
  });
}

/** JSON whose texts hold no such characters either: JSON itself lets DEL, C1 and the rest stand. */
export function visibleJson(json: string): string {
  return json.replace(UNSEEN, (character) => hex('\\u', character.codePointAt(0)!, 4));
}

function hex(prefix: string, code: number, digits: number): string {
  return prefix + code.toString(16).padStart(digits, '0');
}
