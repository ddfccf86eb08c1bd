import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  Checker,
  CheckKernel,
  checkJson,
  htmlMatrix,
  junitXml,
  type LinuxTarget,
  linuxTarget,
  moduleOptions,
  nodeVerifier,
  summaryText,
  TargetStore,
  UsageError,
  type Verdict,
  verdictText,
  writeWhole,
} from '../../index.js';
import { certificatesOf } from '../certificates.js';
import { implementedText } from '../check/implemented.js';
import { filesToCheck, kernelConfig, moduleFileIn, targetsToCheck } from '../check/inputs.js';
import { checkKlds, freebsdToCheck } from '../freebsd/check-kld.js';
import { Progress } from '../run/progress.js';
import { styleFor } from '../style.js';

const HELP = `usage: modbox check MODULE... [NAME=VALUE]... [--target T]...
       modbox check --tree DIR [--target T]...
       modbox check --implemented MODULE... [--target T]
       modbox check FILE.ko... | --tree DIR [--target freebsd/14.2-amd64]

Says of each module and kernel whether it will load there, and every reason why not. MODULE is a file (.ko, .ko.xz,
.ko.gz, .ko.zst), a directory with such files, or a name, found in the kernel's own tree. Modules that are checked
together may use each other's symbols. NAME=VALUE is a parameter that they are to be loaded with: what the kernel would say of
it is told too. Status: 0 if all load, 1 if not.

Klds of FreeBSD are checked by themselves: do their version ranges, dependencies and symbols fit? What they depend on is
looked for beside them, or in boot/kernel and boot/modules of --root; options of Linux's kernels mean nothing there.

  --target T        a kernel: its name (see modbox target list), a .deb, a vmlinuz or a directory tree; 'all' for all
                    that modbox knows (repeatable; default: the one that the first module was built for, else the bundled one)
  --tree DIR        every module below DIR, with DIR/etc/modprobe.d
  --root DIR        the file tree of names and of etc/modprobe.d
  --cmdline TEXT    kernel boot parameters: module_blacklist=, module.sig_enforce, lockdown=, modprobe.blacklist=
  --key CERT        a certificate (PEM or DER) that the kernel trusts besides its own (repeatable)
  --lenient         takes what the kernel takes though it is not safe (a licence with a NUL in it, too small a struct module)
  --implemented     says instead who answers when the modules call the kernel's functions that they import: TypeScript, wholly or in
                    part, the target's own code, or nobody, and why. Status: 0 if all are there
  --json            the verdicts as one JSON object on stdout
  --junit FILE      also write them as JUnit XML
  --html FILE       also write them as a page with a matrix of modules by kernels
  --all             in the text, list modules too that load with nothing to be said of them
`;

/** \`modbox check\`. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      target: { type: 'string', multiple: true },
      tree: { type: 'string' },
      root: { type: 'string' },
      cmdline: { type: 'string' },
      key: { type: 'string', multiple: true },
      lenient: { type: 'boolean' },
      json: { type: 'boolean' },
      junit: { type: 'string' },
      html: { type: 'string' },
      all: { type: 'boolean' },
      implemented: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const isParameter = (word: string): boolean => /^[\w-]+=/.test(word) && !existsSync(word);
  const parameters = positionals.filter(isParameter);
  const modules = positionals.filter((word) => !isParameter(word));
  if (modules.length === 0 && values.tree === undefined)
    throw new UsageError('check: which module? Or --tree DIR');
  const freebsd = freebsdToCheck(modules, values);
  if (freebsd) return checkKlds(freebsd, modules, values);
  const store = new TargetStore();
  const root = values.root ?? values.tree;
  const files = filesToCheck(modules, values.tree, { root, store, targets: values.target ?? [] });
  if (values.implemented) {
    const [target] = targetsToCheck(values.target ?? [], files, values.tree, store);
    return tellImplemented(files, linuxTarget(store.find(target.name) ?? target), values.json ?? false);
  }
  const keys = certificatesOf(values.key ?? []);
  const { cmdline = '' } = values;
  const kernels = targetsToCheck(values.target ?? [], files, values.tree, store).map(
    (target) =>
      new CheckKernel(target, {
        cmdline,
        keys,
        lenient: values.lenient ?? false,
        config: kernelConfig(root, target, cmdline),
      }),
  );
  const verdicts = checkAll(
    new Checker(kernels, {
      homeOf: (vermagic) => store.findByVermagic(vermagic),
      verifier: nodeVerifier,
      parameters: moduleOptions(parameters),
      moduleFile: (target, path) => moduleFileIn([target.tree, root], target, path),
    }),
    files,
  );
  if (values.junit !== undefined) writeWhole(values.junit, junitXml(verdicts));
  if (values.html !== undefined) writeWhole(values.html, htmlMatrix(verdicts));
  process.stdout.write(
    values.json ? checkJson(verdicts) : report(verdicts, values.all || values.tree === undefined),
  );
  return verdicts.every(({ loads }) => loads) ? 0 : 1;
}

/** Who answers for what modules import; the target with its own code, where that was added. */
async function tellImplemented(
  files: ReturnType<typeof filesToCheck>,
  target: LinuxTarget,
  json: boolean,
): Promise<number> {
  const { importedFunctions } = await import('../check/imported.js');
  const found = importedFunctions(
    files.map(({ open }) => open()),
    target,
  );
  const style = styleFor(process.stdout);
  process.stdout.write(
    json
      ? `${JSON.stringify(found, undefined, 2)}\n`
      : found.map((module) => implementedText(module, style)).join(''),
  );
  const isThere = ({ functions }: (typeof found)[number]): boolean =>
    functions.every(({ answer }) => answer.by !== 'nobody');
  return found.every(isThere) ? 0 : 1;
}

function checkAll(checker: Checker, files: ReturnType<typeof filesToCheck>): Verdict[] {
  const progress = new Progress(files.length * (1 + checker.kernels.length), 0);
  const modules = files.map(({ open }) => {
    const module = checker.add(open());
    progress.step(module.name);
    return module;
  });
  const verdicts = modules.flatMap((module) =>
    checker.kernels.map((kernel) => {
      progress.step(module.name);
      return checker.verdict(module, kernel);
    }),
  );
  progress.end();
  return verdicts;
}

function report(verdicts: readonly Verdict[], all: boolean): string {
  const style = styleFor(process.stdout);
  const told = verdicts.filter(({ reasons }) => all || reasons.length > 0);
  const texts = told.map((verdict) => verdictText(verdict, style));
  return texts.join('') + (verdicts.length > 1 ? summaryText(verdicts, style) : '');
}
