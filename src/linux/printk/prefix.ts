/** What the KERN_* prefixes of a message say (include/linux/kern_levels.h). */
export interface Message {
  /** Undefined where no prefix gives one. */
  readonly level: number | undefined;
  /** KERN_CONT. */
  readonly continues: boolean;
  readonly text: string;
}

const SOH = '\x01';

/** Takes the prefixes off a formatted message; the first level counts. */
export function parsePrefix(message: string): Message {
  let level: number | undefined;
  let continues = false;
  let at = 0;
  for (; message[at] === SOH; at += 2) {
    const letter = message[at + 1] ?? '';
    if (letter >= '0' && letter <= '7') level ??= Number(letter);
    else if (letter === 'c') continues = true;
    else break;
  }
  return { level, continues, text: message.slice(at) };
}

/** Bytes of the log as text: UTF-8 where they are UTF-8, one character a byte where not. */
export function decodeText(bytes: string): string {
  if (!/[\x80-\xff]/.test(bytes)) return bytes;
  try {
    const raw = Uint8Array.from(bytes, (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(raw);
  } catch {
    return bytes;
  }
}
