/** What a script is made of, as the parser gives it and the interpreter runs it. */

/** How `${NAME...}` changes what it stands for: `:-`, `-`, `#`, `%%`, ... */
export interface Modifier {
  readonly operator: string;
  readonly word: Word;
}

/** A piece of a word: text as it is, or something to put in. `quoted`: it is neither split nor a pattern. */
export type WordPart =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly kind: 'parameter';
      readonly name: string;
      readonly quoted: boolean;
      readonly modifier?: Modifier;
      /** `${#NAME}` */
      readonly length?: boolean;
    }
  | { readonly kind: 'command'; readonly script: Script; readonly quoted: boolean }
  | { readonly kind: 'arithmetic'; readonly expression: Word; readonly quoted: boolean };

export type Word = readonly WordPart[];

export interface Redirection {
  /** Descriptor of the command: 0 to 9. */
  readonly descriptor: number;
  readonly mode: 'read' | 'write' | 'append' | 'update' | 'duplicate' | 'here';
  /** A file's name, a descriptor's number, or a here-document. */
  readonly target: Word;
}

export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

export interface SimpleCommand {
  readonly kind: 'simple';
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
}

export interface CaseArm {
  readonly patterns: readonly Word[];
  readonly body: Script;
}

export type CommandBody =
  | SimpleCommand
  | { readonly kind: 'subshell'; readonly body: Script }
  | { readonly kind: 'group'; readonly body: Script }
  | {
      readonly kind: 'if';
      readonly clauses: readonly { readonly test: Script; readonly body: Script }[];
      readonly otherwise: Script;
    }
  | { readonly kind: 'loop'; readonly until: boolean; readonly test: Script; readonly body: Script }
  | {
      readonly kind: 'for';
      readonly name: string;
      /** Undefined: the positional parameters. */
      readonly words: readonly Word[] | undefined;
      readonly body: Script;
    }
  | { readonly kind: 'case'; readonly word: Word; readonly arms: readonly CaseArm[] }
  | { readonly kind: 'function'; readonly name: string; readonly body: Command };

export type Command = CommandBody & { readonly redirections: readonly Redirection[] };

export interface Pipeline {
  readonly commands: readonly Command[];
  readonly negated: boolean;
}

/** Pipelines joined by && and ||. */
export interface Chain {
  readonly first: Pipeline;
  readonly rest: readonly { readonly operator: '&&' | '||'; readonly pipeline: Pipeline }[];
  readonly background: boolean;
}

export type Script = readonly Chain[];

/** The text of a word of which nothing is quoted and nothing is to be put in; undefined of any other. */
export function plainText(word: Word): string | undefined {
  const [part] = word;
  return word.length === 1 && part.kind === 'text' && !part.quoted ? part.text : undefined;
}
