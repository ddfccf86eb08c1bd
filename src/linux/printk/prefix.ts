/** What the KERN_* prefixes of a message say (include/linux/kern_levels.h). */
interface Message {
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

/** A character of more than one byte in UTF-8. */
const SEQUENCE = /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/g;

/** Bytes of the log as text: UTF-8 where they are UTF-8, one character a byte where not. */
export function decodeText(bytes: string): string {
  if (!/[\x80-\xff]/.test(bytes)) return bytes;
  const decoder = new TextDecoder();
  return bytes.replace(SEQUENCE, (sequence) =>
    decoder.decode(Uint8Array.from(sequence, (character) => character.charCodeAt(0))),
  );
}
