/** An option of a verb of geom(8), as the class's library has it: its letter, its name, and what it is. */
export interface VerbOption {
  readonly letter: string;
  readonly name: string;
  readonly kind: 'bool' | 'number' | 'text';
  /** What is sent where nobody says otherwise; undefined: nothing is. */
  readonly otherwise?: string;
}

export interface Verb {
  readonly options: readonly VerbOption[];
  /** Done by the program itself, on the disks; else by the kernel. */
  readonly own?: 'label' | 'clear';
}

export interface ClassTool {
  /** The class's name in the kernel, and that of its file without `geom_`. */
  readonly name: string;
  /** G_..._VERSION of its header. */
  readonly version: number;
  readonly magic?: string;
  readonly verbs: Readonly<Record<string, Verb>>;
}

const FORCE: VerbOption = { letter: 'f', name: 'force', kind: 'bool' };
const number = (letter: string, name: string, otherwise: string): VerbOption => ({
  letter,
  name,
  kind: 'number',
  otherwise,
});
const text = (letter: string, name: string, otherwise: string): VerbOption => ({
  letter,
  name,
  kind: 'text',
  otherwise,
});
const bool = (letter: string, name: string): VerbOption => ({ letter, name, kind: 'bool' });

/** What geom(8) knows of classes: the tables of its libraries (lib/geom), with the requests that the kernel's classes answer. */
export const CLASS_TOOLS: Readonly<Record<string, ClassTool>> = {
  nop: {
    name: 'NOP',
    version: 4,
    verbs: {
      create: {
        options: [
          number('c', 'count_until_fail', '-1'),
          number('d', 'delaymsec', '-1'),
          number('e', 'error', '-1'),
          number('o', 'offset', '0'),
          number('p', 'stripesize', '0'),
          number('P', 'stripeoffset', '0'),
          number('q', 'rdelayprob', '-1'),
          number('r', 'rfailprob', '-1'),
          number('s', 'size', '0'),
          number('S', 'secsize', '0'),
          number('w', 'wfailprob', '-1'),
          number('x', 'wdelayprob', '-1'),
          text('z', 'physpath', '\u00ad'),
        ],
      },
      configure: {
        options: [
          number('c', 'count_until_fail', '-1'),
          number('d', 'delaymsec', '-1'),
          number('e', 'error', '-1'),
          number('q', 'rdelayprob', '-1'),
          number('r', 'rfailprob', '-1'),
          number('w', 'wfailprob', '-1'),
          number('x', 'wdelayprob', '-1'),
        ],
      },
      destroy: { options: [FORCE] },
      reset: { options: [] },
    },
  },
  concat: {
    name: 'CONCAT',
    version: 4,
    magic: 'GEOM::CONCAT',
    verbs: {
      create: { options: [] },
      destroy: { options: [FORCE] },
      stop: { options: [FORCE] },
      append: { options: [bool('h', 'hardcode')] },
      label: { options: [bool('h', 'hardcode')], own: 'label' },
      clear: { options: [], own: 'clear' },
    },
  },
  stripe: {
    name: 'STRIPE',
    version: 3,
    magic: 'GEOM::STRIPE',
    verbs: {
      create: { options: [number('s', 'stripesize', '65536')] },
      destroy: { options: [FORCE] },
      stop: { options: [FORCE] },
      label: { options: [bool('h', 'hardcode'), number('s', 'stripesize', '65536')], own: 'label' },
      clear: { options: [], own: 'clear' },
    },
  },
  label: {
    name: 'LABEL',
    version: 2,
    verbs: {
      create: { options: [] },
      destroy: { options: [FORCE] },
      stop: { options: [FORCE] },
      refresh: { options: [] },
    },
  },
  mirror: {
    name: 'MIRROR',
    version: 4,
    verbs: {
      create: {
        options: [
          text('b', 'balance', 'load'),
          bool('F', 'nofailsync'),
          bool('n', 'noautosync'),
          number('s', 'slice', '4096'),
        ],
      },
      destroy: { options: [FORCE] },
      stop: { options: [FORCE] },
      deactivate: { options: [] },
      activate: { options: [] },
      forget: { options: [] },
      insert: { options: [bool('h', 'hardcode'), bool('i', 'inactive'), number('p', 'priority', '0')] },
      remove: { options: [] },
      rebuild: { options: [] },
    },
  },
};
