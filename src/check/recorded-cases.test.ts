import { describe, expect, it } from 'vitest';
import { debianFileOf, needsDebian, variant } from '../../tests/modules/trust/variants.mjs';
import { ModuleFile } from '../formats/module-file.js';
import { insertError } from '../kmod/tools/insmod.js';
import * as errnos from '../linux/errno.js';
import {
  debianModules,
  needsDebianModule,
  type Scenario,
  type Step,
  scenarios,
} from '../machine/linux/testing/recorded.js';
import { loadBundled } from '../target/node/index.js';
import { nodeVerifier } from '../trust/node/verifier.js';
import { CheckKernel } from './check-kernel.js';
import { Checker } from './checker.js';
import { logLines } from './log-lines.js';
import type { Verdict } from './reason.js';

/** A load as root, without force: `insmod /mods/FILE.ko`, alone or with what is looked at afterwards. */
const LOAD = /^insmod \/mods\/([\w.-]+)\.ko\b/;
/** After these the machine is another than it was booted as. */
const CHANGES_POLICY = /^echo .*(modules_disabled|sig_enforce)/;

/** On purpose stricter than the kernel, which takes these: see ARCHITECTURE.md. */
const STRICTER = ['license-nul', 'small-this-module', 'elf-class-32', 'elf-big-endian', 'elf-version'];

/** The machine of the recordings has no module that brings these digests, and `check` takes a system to be whole. */
const NO_DIGEST = /sha384|sha512|p384/;

/** The kernel's own errors and modbox's are the same, or this is not reached. */
const INIT_ERRORS = /File exists|Operation not permitted/;

const debian = await debianModules();

describe('what the real kernel said to modules of every kind', () => {
  for (const scenario of scenarios().filter(({ name }) => name.startsWith('trust_'))) {
    it.skipIf(needsDebianModule(scenario) && debian === undefined)(scenario.name, () => compare(scenario));
  }
});

function compare(scenario: Scenario): void {
  const { cmdline = '' } = scenario;
  const kernel = new CheckKernel(loadBundled(), { cmdline });
  const loaded = new Map<string, string>();
  let compared = 0;
  for (const step of scenario.steps) {
    if (CHANGES_POLICY.test(step.command)) break;
    const removed = /^rmmod (\w+)$/.exec(step.command)?.[1];
    if (removed !== undefined && step.exit === 0) loaded.delete(removed);
    const file = LOAD.exec(step.command)?.[1];
    if (
      file === undefined ||
      !scenario.variants?.includes(file) ||
      step.as !== undefined ||
      step.without !== undefined ||
      STRICTER.includes(file) ||
      NO_DIGEST.test(file)
    )
      continue;
    const verdict = check(kernel, scenario, file, [...loaded.values()]);
    judge(verdict, step);
    compared++;
    if (step.exit === 0 && !step.command.includes('rmmod')) loaded.set(verdict.module, file);
  }
  expect(compared + STRICTER.length).toBeGreaterThan(0);
}

/** With the modules that are in the kernel by then, whose symbols it may use. */
function check(kernel: CheckKernel, scenario: Scenario, file: string, loaded: readonly string[]): Verdict {
  const checker = new Checker([kernel], { verifier: nodeVerifier });
  const path = (name: string): string => `/mods/${name}.ko`;
  const module = checker.add(new ModuleFile(path(file), bytesOf(file, scenario)));
  for (const other of loaded)
    if (other !== file) checker.add(new ModuleFile(path(other), bytesOf(other, scenario)));
  return checker.verdict(module, kernel);
}

function bytesOf(file: string, { kernel }: Scenario): Buffer {
  return variant(file, needsDebian(file) ? debian?.(debianFileOf(file)) : undefined, kernel);
}

function judge(verdict: Verdict, step: Step): void {
  const { command, stderr = '', dmesg } = step;
  if (verdict.loads) {
    expect(stderr === '' || INIT_ERRORS.test(stderr), `${command}: ${stderr}`).toBe(true);
    const taint = /\((\w+)\)$/m.exec(step.stdout ?? '')?.[1] ?? '';
    if (step.stdout?.includes(' Live ')) expect(verdict.taints, command).toBe(taint);
    return;
  }
  const [, number] = Object.entries(errnos).find(([name]) => name === verdict.errno) ?? [];
  expect(stderr, command).toContain(insertError(number as number));
  const refusing = verdict.reasons.find(({ effect }) => effect === 'refused')!;
  const only = { ...verdict, reasons: verdict.reasons.slice(verdict.reasons.indexOf(refusing)) };
  for (const line of logLines(only, 'insmod')) expect(dmesg, command).toContain(line);
}
