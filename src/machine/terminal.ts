/** Where a process writes, as it comes. */
export interface Terminal {
  out(data: string | Uint8Array): void;
  err(data: string | Uint8Array): void;
  /** What a person at the machine ought to know besides what commands write: what a command was found to do wrong. */
  note?(text: string): void;
}

/** Keeps what is written. */
export class CapturedOutput implements Terminal {
  private readonly pieces: { readonly out: Uint8Array[]; readonly err: Uint8Array[] } = { out: [], err: [] };

  get stdout(): string {
    return textOf(this.pieces.out);
  }

  get stderr(): string {
    return textOf(this.pieces.err);
  }

  out(data: string | Uint8Array): void {
    this.pieces.out.push(bytesOf(data));
  }

  err(data: string | Uint8Array): void {
    this.pieces.err.push(bytesOf(data));
  }
}

export function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data.slice();
}

export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

function textOf(pieces: readonly Uint8Array[]): string {
  return new TextDecoder().decode(joinBytes(pieces));
}

/** Lines of a text, without an empty one after the last newline. */
export function linesOf(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}
