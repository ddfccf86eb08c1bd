import type { Binding } from './i2c-binding.js';
import type { ModelBinding } from './model-binding.js';

const HEAD = `# Drivers that bind to simulated devices

Made by \`npm run binds\`: not to be edited.
`;

const hex = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`;

const contentsText = ({ contents = [] }: Binding): string =>
  contents.map(([register, value]) => `${hex(register)} = ${hex(value)}`).join(', ');

/** docs/hardware.md: those first that want most of a chip. */
export function report(
  target: string,
  bindings: readonly Binding[],
  models: readonly ModelBinding[],
): string {
  const of = (kind: Binding['accepted']): Binding[] =>
    bindings
      .filter(({ accepted }) => accepted === kind)
      .sort(
        (a, b) => (b.contents?.length ?? 0) - (a.contents?.length ?? 0) || (a.module < b.module ? -1 : 1),
      );
  const [byId, detected, none, any, no] = (['id', 'detected', 'none', 'any', 'no'] as const).map(of);
  const names = (list: readonly Binding[]): string => list.map(({ module }) => `\`${module}\``).join(', ');
  const bound = models.filter(({ driver }) => driver !== undefined);
  return [
    HEAD,
    `Of ${target}.`,
    '',
    '## Models of modbox',
    '',
    `${bound.length} of ${models.length} have a driver among Debian's modules.`,
    '',
    '| model | bus | driver | modules |',
    '| --- | --- | --- | --- |',
    ...models.map(
      ({ model, bus, driver = '', modules }) =>
        `| ${model} | ${bus} | ${driver} | ${modules.map((name) => `\`${name}\``).join(' ')} |`,
    ),
    '',
    '## Chips on I2C that nobody wrote a model of',
    '',
    `${bindings.length} modules drive chips on I2C. Each was given a bank of registers that knows none of them: its contents are changed where a probe that`,
    'failed has read, and kept where the probe then went another way (`scripts/hardware/learning.ts`). Drivers that follow a NULL pointer want what a board or',
    'another driver gives them.',
    '',
    `* ${byId.length} are bound, having read registers that they are content with in one state and not in another;`,
    `* ${detected.length} are bound whatever they read, and their own search for chips knew one by its registers;`,
    `* ${none.length} are bound without having read anything: chips without an identity;`,
    `* ${any.length} are bound whatever is in the registers that they read: settings, not an identity;`,
    `* ${no.length} are not bound.`,
    '',
    '### By what is in their registers',
    '',
    'The registers that were found, of those that the driver looks at; none where zeros did and ones did not.',
    '',
    '| module | id | registers | probes |',
    '| --- | --- | --- | ---: |',
    ...byId.map((one) => `| \`${one.module}\` | ${one.id} | ${contentsText(one)} | ${one.attempts ?? 0} |`),
    '',
    '### Found by the driver’s own search',
    '',
    '| module | id | registers | searches |',
    '| --- | --- | --- | ---: |',
    ...detected.map(
      (one) => `| \`${one.module}\` | ${one.id} | ${contentsText(one)} | ${one.attempts ?? 0} |`,
    ),
    '',
    '### Without reading',
    '',
    names(none),
    '',
    '### Whatever they read',
    '',
    names(any),
    '',
    '### Not bound',
    '',
    '| module | id | why |',
    '| --- | --- | --- |',
    ...no.map(({ module, id, why = '' }) => `| \`${module}\` | ${id} | ${why.replaceAll('|', '\\|')} |`),
    '',
  ].join('\n');
}
