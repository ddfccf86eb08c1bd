import { type FileSource, infoOf, MemoryFiles, OverlayFiles } from '../../files/file-source.js';
import { IMAGE } from '../../freebsd/memory-map.js';
import { LoaderEnvironment } from '../../kld/loader/environment.js';
import type { LoadableKernel } from '../../kld/loader/file-loader.js';
import { type BootRequest, Loader } from '../../kld/loader/loader.js';
import { OBJECT_TYPE } from '../../kld/loader/preloaded.js';
import type { FreebsdTarget } from '../../target/index.js';

/** Where the kernel lies for the loader. The base kernel has no file: where the tree has none there, it stands for it. */
const KERNEL = '/boot/kernel/kernel';
const DEFAULTS = '/boot/defaults/loader.conf';
const CONF = '/boot/loader.conf';
const CONF_DIRECTORY = '/boot/loader.conf.d';
/** What /boot/defaults/loader.conf (stand/defaults/loader.conf) says, as far as it matters here: for trees without that file. */
const DEFAULT_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['kernel', 'kernel'],
  ['bootfile', 'kernel'],
  ['module_path', '/boot/modules;/boot/dtb;/boot/dtb/overlays'],
  ['module_blacklist', 'drm drm2 radeonkms i915kms amdgpu'],
  ['loader_conf_files', `/boot/device.hints ${CONF} ${CONF}.local`],
  ['nextboot_conf', '/boot/nextboot.conf'],
];

/** What a loader is made for. */
export interface LoaderOptions {
  readonly target: FreebsdTarget;
  /** The machine's tree. */
  readonly files: FileSource;
  /** Variables that count whatever the files say. */
  readonly environment?: ReadonlyMap<string, string>;
  out(text: string): void;
}

/** Whether a tree says what the loader is to do. */
export function hasLoaderConf(files: FileSource): boolean {
  return [DEFAULTS, CONF, CONF_DIRECTORY].some((path) => infoOf(files, path) !== undefined);
}

/** The loader of a machine that is about to boot; its configuration is read. */
export function openLoader({ target, files, environment = new Map(), out }: LoaderOptions): Loader {
  const variables = new LoaderEnvironment(environment);
  const loader = new Loader({
    files: new OverlayFiles([files, standIns(files)]),
    environment: variables,
    kernel: (path) => (path === KERNEL ? kernelOf(target) : undefined),
    out,
  });
  loader.readConfiguration();
  for (const [name, value] of environment) variables.set(name, value);
  return loader;
}

/** The files that every FreeBSD has, for a tree that lacks them. */
function standIns(files: FileSource): FileSource {
  const settings = [...DEFAULT_SETTINGS];
  if (infoOf(files, CONF_DIRECTORY)) settings.push(['loader_conf_dirs', CONF_DIRECTORY]);
  const defaults = settings.map(([name, value]) => `${name}="${value}"\n`).join('');
  return new MemoryFiles([
    [KERNEL, 'the base kernel'],
    [DEFAULTS, defaults],
  ]);
}

function kernelOf(target: FreebsdTarget): LoadableKernel {
  const address = (BigInt(IMAGE.upper) << 32n) | BigInt(IMAGE.start);
  return { address, size: IMAGE.size, text: 'modbox', modules: [...target.builtinModules].reverse() };
}

/** What the loader says while all goes well. */
const PROGRESS =
  /^(Loading (\/|kernel\.\.\.|configured modules)|\/\S+ (modbox$|size[ =]0x|size=0)|loading required module )/;

/** What a loader said that somebody has to know of. */
export function complaintsOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && !PROGRESS.test(line));
}

/** What the kernel links of what it is handed, paths, in its order: first what needs nothing that is still to come (linker_preload()). */
export function preloadedKlds({ kernel, files }: BootRequest): readonly string[] {
  const there = new Set(kernel.modules.map(({ name }) => name));
  const pending = files.filter(({ type }) => type === OBJECT_TYPE);
  const order: string[] = [];
  while (pending.length > 0) {
    const ready = pending.findIndex(({ needs }) => needs.every(({ name }) => there.has(name)));
    const [file] = pending.splice(Math.max(ready, 0), 1);
    order.push(file.path);
    for (const { name } of file.modules) there.add(name);
  }
  return order;
}

/** What a machine is booted with. */
export interface BootPlan {
  readonly environment: ReadonlyMap<string, string>;
  readonly klds: readonly string[];
  /** What the loader said. */
  readonly said: string;
}

/** What loader.conf asks for. Where it asks for a kernel that is not there it is told of, and nothing is loaded. */
export function planByConf(options: Omit<LoaderOptions, 'out'>): BootPlan {
  let said = '';
  const loader = openLoader({ ...options, out: (text) => (said += text) });
  const request = loader.boot();
  return request ? planOf(request, said) : { environment: options.environment ?? new Map(), klds: [], said };
}

/** What was asked for at the loader's prompt. */
export function planOf(request: BootRequest, said = ''): BootPlan {
  return { environment: new Map(request.environment), klds: preloadedKlds(request), said };
}
