/** A key that was pressed. */
export interface Key {
  /** `up`, `return`, `escape`, `e`, ...; '' for one without a name. */
  readonly name: string;
  readonly ctrl: boolean;
  /** What it types; '' for a key that moves or controls. */
  readonly text: string;
}

/** A key as Node's readline tells of it. */
export interface KeyPress {
  readonly name?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
  readonly sequence?: string | undefined;
}

/** Space and whatever is not a control character. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]+$/u;

export function keyOf({ name = '', ctrl = false, meta = false, sequence = '' }: KeyPress): Key {
  const text = !ctrl && !meta && PRINTABLE.test(sequence) ? sequence : '';
  return { name, ctrl, text };
}
