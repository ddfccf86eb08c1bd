import { UNVOUCHED } from '../linux/security/signature-policy.js';
import type { Reason, Verdict } from './reason.js';

/** The stages of load_module(): what is told before one that refuses, and with it, is in the log; what is after is not. */
const SYMBOL_KINDS: readonly Reason['kind'][] = [
  'missing-symbol',
  'common-symbol',
  'symbol-section',
  'gpl-only',
  'proprietary-provider',
  'namespace',
  'version',
];

/**
 * What the kernel logs when it is to load the module, as far as the checks of the loader go, in a kernel that is not
 * tainted yet. It stops at the first thing that refuses; of symbols it tells all. `program` is what loads it.
 */
export function logLines({ module, reasons }: Verdict, program = 'modprobe'): string[] {
  const first = reasons.findIndex(({ effect }) => effect === 'refused');
  const symbols = first >= 0 && isAboutSymbols(reasons[first]);
  const reached = reasons.filter(
    (reason, i) => first < 0 || i <= first || (symbols && isAboutSymbols(reason)),
  );
  return reached.flatMap((reason) => linesOf(reason, module, program));
}

/** The version of struct module is looked at by itself, before all others. */
function isAboutSymbols(reason: Reason): boolean {
  return (
    SYMBOL_KINDS.includes(reason.kind) && !(reason.kind === 'version' && reason.symbol === 'module_layout')
  );
}

function linesOf(reason: Reason, module: string, program: string): string[] {
  switch (reason.kind) {
    case 'file':
      return reason.line === undefined ? [] : [reason.line];
    case 'signature':
      return signatureLines(reason, module, program);
    case 'blacklist':
      return reason.effect === 'refused' ? [`Module ${module} is blacklisted`] : [];
    case 'module-struct':
      return reason.exact
        ? [
            `module ${module}: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time`,
          ]
        : [];
    case 'vermagic':
      return reason.module === undefined || reason.effect !== 'refused'
        ? []
        : [`${module}: version magic '${reason.module}' should be '${reason.kernel}'`];
    case 'origin':
      return originLines(reason, module);
    case 'retpoline':
      return [`${module}: loading module not compiled with retpoline compiler.`];
    case 'livepatch':
      return reason.effect === 'refused'
        ? [`${module}: module is marked as livepatch module, but livepatch support is disabled`]
        : [`${module}: tainting kernel with TAINT_LIVEPATCH`];
    case 'license':
      return [`${module}: module license '${reason.license}' taints kernel.`];
    case 'duplicate-symbol':
      return reason.effect !== 'refused'
        ? []
        : [`${module}: exports duplicate symbol ${reason.symbol} (owned by ${reason.owner})`];
    case 'missing-symbol':
    case 'gpl-only':
      return [`${module}: Unknown symbol ${reason.symbol} (err -2)`];
    case 'proprietary-provider':
      return providerLines(reason, module);
    case 'common-symbol':
    case 'symbol-section':
      return [`${module}: ${reason.line}`];
    case 'sections':
    case 'memory':
    case 'relocation':
      return [...reason.lines];
    case 'version':
      return versionLines(reason, module);
    case 'namespace':
      return [
        `${module}: module uses symbol (${reason.symbol}) from namespace ${reason.namespace}, but does not import it.`,
        `${module}: Unknown symbol ${reason.symbol} (err -22)`,
      ];
    case 'btf':
      return [reason.line];
    case 'parameter':
      return [`${module}: ${reason.line}`];
    case 'versions':
    case 'dependency':
    case 'built-in':
      return [];
  }
}

function signatureLines(
  reason: Extract<Reason, { kind: 'signature' }>,
  module: string,
  program: string,
): string[] {
  if (reason.effect === 'taints')
    return [`${module}: module verification failed: signature and/or required key missing - tainting kernel`];
  const kind = UNVOUCHED[reason.code];
  if (kind === undefined || reason.effect !== 'refused') return [];
  return reason.errno === 'EPERM'
    ? [`Lockdown: ${program}: unsigned module loading is restricted; see man kernel_lockdown.7`]
    : [`Loading of ${kind} is rejected`];
}

function originLines(reason: Extract<Reason, { kind: 'origin' }>, module: string): string[] {
  if (reason.effect !== 'taints') return [];
  switch (reason.taint) {
    case 'O':
      return [`${module}: loading out-of-tree module taints kernel.`];
    case 'C':
      return [
        `${module}: module is from the staging directory, the quality is unknown, you have been warned.`,
      ];
    case 'N':
      return [`${module}: loading test module taints kernel.`];
    default:
      return [];
  }
}

function providerLines(
  { effect, symbol, provider }: Extract<Reason, { kind: 'proprietary-provider' }>,
  module: string,
): string[] {
  if (effect !== 'refused')
    return [
      `${module}: module uses symbols ${symbol} from proprietary module ${provider}, inheriting taint.`,
    ];
  return [
    `${module}: module using GPL-only symbols uses symbols ${symbol} from proprietary module ${provider}.`,
    `${module}: Unknown symbol ${symbol} (err -2)`,
  ];
}

function versionLines(reason: Extract<Reason, { kind: 'version' }>, module: string): string[] {
  const { symbol, wanted } = reason;
  const line =
    wanted === undefined
      ? `${module}: no symbol version for ${symbol}`
      : `${module}: disagrees about version of symbol ${symbol}`;
  return symbol === 'module_layout' ? [line] : [line, `${module}: Unknown symbol ${symbol} (err -22)`];
}
