import type { NeglectedMember } from './members/neglect.js';
import type { Verdict } from './ownership.js';

/** Variables that a message names. */
const SHOWN = 3;

/** Why a native function does not run, as a clause; the function is `name`. */
export function describeVerdict(name: string, verdict: Verdict): string {
  switch (verdict.kind) {
    case 'pure':
      return `${name} may run as the target has it`;
    case 'own-data':
      return `${name} keeps ${listed(verdict.variables)}`;
    case 'needs-init':
      return `${name} needs ${listed(verdict.variables)}, which the kernel sets at boot by what modbox cannot run by itself`;
    case 'trespasser':
      return `${called(name, verdict.via)} touches ${verdict.variable}, which modbox owns`;
    case 'internal':
      return `${called(name, verdict.via)} is a part of ${verdict.of}(), which modbox does otherwise`;
    case 'privileged':
      return `${called(name, verdict.via)} handles the machine itself`;
    case 'beyond':
      return `${called(name, verdict.via)} is for ${verdict.what}, which modbox's machine has not`;
    case 'init':
      return `${called(name, verdict.via)} only runs at boot`;
    case 'huge':
      return `${name} leads to too much of the kernel to say what it touches`;
  }
}

/** A function that would find less than the kernel has in what TypeScript has made; `via` is the one that looks. */
export function describeNeglected(name: string, via: string, { struct, member }: NeglectedMember): string {
  const who = called(name, via);
  if (member === undefined) return `${who} may look at all of a struct ${struct}, which modbox fills in part`;
  if (member === '') return `${who} looks at what a struct ${struct} is part of, which modbox does not keep`;
  return `${who} looks at ${struct}.${member}, which modbox does not keep`;
}

/** A function of a subsystem that is declared, but that needs more than this sets. */
export function describeUnset(name: string, subsystem: string, variables: readonly string[]): string {
  return `${name} needs ${listed(variables)}, which what sets up native ${subsystem} does not set`;
}

/** A function that keeps a variable which is TypeScript's at second hand. */
export function describeDivided(name: string, variable: string, part: string): string {
  return `${name} keeps ${variable}, and so does ${part}, which is a part of what modbox does otherwise`;
}

function called(name: string, via: string): string {
  return via === name ? name : `${name} leads to ${via}, which`;
}

function listed(variables: readonly string[]): string {
  const shown = variables.slice(0, SHOWN).join(', ');
  return variables.length > SHOWN ? `${shown} and ${variables.length - SHOWN} more` : shown;
}
