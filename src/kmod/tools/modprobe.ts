import { configJson, showConfig } from './modprobe-config.js';
import { type InsertReport, modprobeInsert } from './modprobe-insert.js';
import { type ModprobeOptions, readOptions } from './modprobe-options.js';
import { modprobeRemove } from './modprobe-remove.js';
import { moduleOptions } from './module-options.js';
import { openLog, openSyslog, untilExit } from './open-log.js';
import { openTree } from './open-tree.js';
import type { ModuleSystem } from './probe.js';
import { showExports, showModversions } from './show-symbols.js';
import { redirected, type Steps, type ToolHost } from './tool.js';

/** modprobe(8) of kmod 34 and what its development brought since. `--json` writes what a query finds, or what would be done, as JSON: see README.md. */
export function* modprobe<Wait>(host: ToolHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  return yield* untilExit(host, 'modprobe', run(host, args));
}

function* run<Wait>(host: ToolHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const early = openLog(host, 'modprobe');
  const options = readOptions(host, early, args);
  if (typeof options === 'number') return options;
  const log = options.syslog ? openSyslog(host, 'modprobe') : early;
  const { operands, configPaths, inherited } = options;
  if (options.query !== 'config' && operands.length === 0) {
    log.error('missing parameters. See -h.\n');
    return 1;
  }
  log.priority = options.verbosity;
  const place = { root: options.root, release: options.release };
  const tree = openTree(host, log, configPaths.length === 0 ? place : { ...place, configPaths });
  const environment: Readonly<Record<string, string>> =
    inherited === undefined ? {} : { MODPROBE_OPTIONS: inherited };
  return yield* act({ host, tree, log, environment }, options);
}

function* act<Wait>(system: ModuleSystem<Wait>, options: ModprobeOptions): Steps<Wait, number> {
  const { host, tree } = system;
  const { operands } = options;
  const level = options.all ? 'warning' : 'fatal';
  tree.check();
  switch (options.query) {
    case 'config':
      if (options.json) host.out(`${configJson(tree)}\n`);
      else showConfig(host, tree);
      return 0;
    case 'modversions':
      return withJson(host, options.json, (to) =>
        showModversions({ ...system, host: to }, operands[0], level),
      );
    case 'exports':
      return withJson(host, options.json, (to) => showExports({ ...system, host: to }, operands[0], level));
  }
  if (options.remove) return yield* removeAll(system, options);
  const report: InsertReport = { steps: [], resolved: [] };
  const status = yield* insertAll(system, options, report);
  if (options.json) host.out(`${JSON.stringify(options.resolveOnly ? report.resolved : report.steps)}\n`);
  return status;
}

function* insertAll<Wait>(
  system: ModuleSystem<Wait>,
  options: ModprobeOptions,
  report: InsertReport,
): Steps<Wait, number> {
  const [first, ...parameters] = options.operands;
  if (!options.all)
    return (yield* modprobeInsert(system, first, moduleOptions(parameters), options, report)) ? 0 : 1;
  let status = 0;
  for (const name of options.operands)
    if (!(yield* modprobeInsert(system, name, '', options, report))) status = 1;
  return status;
}

function* removeAll<Wait>(system: ModuleSystem<Wait>, options: ModprobeOptions): Steps<Wait, number> {
  let status = 0;
  for (const name of options.operands) if (!(yield* modprobeRemove(system, name, options))) status = 1;
  return status;
}

/** `0xCRC<tab>SYMBOL` lines, or the same as JSON. */
function withJson<Wait>(host: ToolHost<Wait>, json: boolean, show: (host: ToolHost<Wait>) => number): number {
  if (!json) return show(host);
  let text = '';
  const out = (data: string | Uint8Array): void => {
    text += typeof data === 'string' ? data : new TextDecoder().decode(data);
  };
  const status = show(redirected(host, out));
  if (status !== 0) return status;
  const symbols = text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
    .map(([crc, symbol]) => ({ symbol, crc }));
  host.out(`${JSON.stringify(symbols)}\n`);
  return 0;
}
