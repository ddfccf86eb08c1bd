import { unpack } from '../formats/compressed/unpack.js';
import { extractVmlinux, isBzImage } from '../formats/compressed/vmlinuz.js';
import { isElf, parseElf } from '../formats/elf/index.js';
import { parseModinfo } from '../formats/modinfo.js';
import { decodeUtf8 } from '../formats/string-table.js';
import { whatIsIt } from '../formats/what-is-it.js';
import { parseConfig } from './config.js';
import { encodeExports } from './export-table.js';
import { demandX86 } from './image/architecture.js';
import { type ImageFacts, readImage } from './image/image.js';
import { composeVermagic } from './image/strings.js';
import { joinCertificates, openLinuxTarget } from './linux-open.js';
import {
  LINUX_MODULE_PARTS,
  LINUX_PARTS,
  type LinuxPart,
  type LinuxTarget,
  type LinuxTargetInfo,
} from './linux-target.js';
import { encodeModules, encodeSymvers, type ReadModule } from './module-table.js';
import { type TargetParts, withImage } from './parts.js';
import { encodeSymbols } from './symbol-table.js';
import { TargetError } from './target-error.js';

/** Files that tell about one kernel, however they are stored: a package, a directory tree, an image by itself. */
export interface TargetSource {
  /** What the user called it. */
  readonly name: string;
  /** Paths without a leading slash: `boot/vmlinuz-6.1.0-53-amd64`, `lib/modules/6.1.0-53-amd64/modules.builtin`. */
  readonly files: readonly string[];
  read(path: string): Uint8Array;
  /** The directory that holds lib/modules, where there is one that stays. */
  readonly tree?: string;
  /** The modules of a release, whose files are not among those kept; empty where it has none. */
  modules(release: string): readonly ReadModule[];
}

export interface ReadTargetOptions {
  /** Which kernel, where the source has several. */
  readonly release?: string;
}

/** Reads everything that a source tells about a kernel. */
export function readTargetParts(
  source: TargetSource,
  options: ReadTargetOptions = {},
): TargetParts<LinuxTargetInfo, LinuxPart> {
  const imagePath = findImage(source, options.release);
  // An image by itself has no other name than its own.
  const file = imagePath === 'vmlinuz' ? source.name : `${source.name}: ${imagePath}`;
  const facts = readImage(imageBytes(source.read(imagePath), file), file);
  const { release } = facts;
  const configText = readConfigText(source, release, facts);
  const builtin = readModuleFile(source, release, 'modules.builtin');
  const builtinModinfo = readModuleFile(source, release, 'modules.builtin.modinfo');
  // Reading thousands of modules takes seconds, and who boots a machine from a tree does not ask for them.
  let found: readonly ReadModule[] | undefined;
  const modules = (): readonly ReadModule[] => {
    found ??= source.modules(release);
    return found;
  };
  const parts: Record<LinuxPart, () => Uint8Array> = {
    btf: () => facts.btf,
    symbols: () => encodeSymbols(facts.symbols),
    exports: () => encodeExports(facts.exports),
    config: () => encode(setOptions(configText)),
    builtin: () => builtin,
    'builtin.modinfo': () => builtinModinfo,
    certificates: () => joinCertificates(facts.certificates),
    modules: () => encodeModules(modules()),
    symvers: () => encodeSymvers(modules()),
  };
  return {
    info: {
      name: `linux/${release}`,
      os: 'linux',
      release,
      arch: 'x86_64',
      vermagic: vermagicOf(source, facts, configText),
      banner: facts.banner,
      ...(source.tree === undefined ? {} : { tree: source.tree }),
    },
    get names() {
      return modules().length > 0 ? [...LINUX_PARTS, ...LINUX_MODULE_PARTS] : LINUX_PARTS;
    },
    part: (name) => parts[name](),
    image: () => facts.image,
  };
}

/** The target by itself: its own code runs from what is stored (TargetStore), where it need not be looked through again. */
export function readTarget(source: TargetSource, options: ReadTargetOptions = {}): LinuxTarget {
  return openLinuxTarget(withImage(readTargetParts(source, options), () => undefined));
}

const IMAGE =
  /^(?:boot\/vmlinu[xz]-([^/]+)|(?:usr\/)?lib\/modules\/([^/]+)\/(?:vmlinu[xz]|build\/vmlinux)|vmlinu[xz])$/;

/** Whether reading a target may need the file: what a package's reader has to keep. */
export function isTargetFile(path: string): boolean {
  return (
    IMAGE.test(path) ||
    /^boot\/config-/.test(path) ||
    /^(usr\/)?lib\/modules\/[^/]+\/(config|modules\.builtin(\.modinfo)?)$/.test(path)
  );
}

function findImage(source: TargetSource, release: string | undefined): string {
  const images = source.files.filter((path) => IMAGE.test(path));
  const releases = new Map(images.map((path) => [releaseInPath(path), path]));
  if (releases.size === 0) {
    throw new TargetError(
      `${source.name}: no kernel image: looked for boot/vmlinuz-RELEASE and lib/modules/RELEASE/vmlinuz`,
    );
  }
  if (release !== undefined) {
    const found = releases.get(release) ?? releases.get(undefined);
    if (found === undefined)
      throw new TargetError(`${source.name}: no kernel ${release}, only ${[...releases.keys()].join(', ')}`);
    return found;
  }
  if (releases.size > 1) {
    throw new TargetError(`${source.name}: several kernels, name one of: ${[...releases.keys()].join(', ')}`);
  }
  return images[0];
}

function releaseInPath(path: string): string | undefined {
  const match = IMAGE.exec(path);
  return match?.[1] ?? match?.[2];
}

function imageBytes(bytes: Uint8Array, file: string): Uint8Array {
  if (isElf(bytes)) return bytes;
  if (isBzImage(bytes)) return extractVmlinux(bytes, file);
  const unpacked = unpack(bytes, file);
  if (isElf(unpacked)) return unpacked;
  throw notAKernel(file, bytes);
}

/** What somebody took for a kernel, and what would be one. */
export function notAKernel(file: string, bytes: Uint8Array): TargetError {
  demandX86(bytes, file);
  return new TargetError(
    `${file} is ${whatIsIt(bytes)}, no kernel: a .deb, a bzImage (vmlinuz), an ELF image (vmlinux) or a directory tree is needed`,
  );
}

function readConfigText(source: TargetSource, release: string, facts: ImageFacts): string {
  const paths = [
    `boot/config-${release}`,
    `lib/modules/${release}/config`,
    `usr/lib/modules/${release}/config`,
  ];
  const path = paths.find((p) => source.files.includes(p));
  return path === undefined ? (facts.config ?? '') : decodeUtf8(source.read(path));
}

/** The lines that set something. */
function setOptions(config: string): string {
  return config
    .split('\n')
    .filter((line) => line.startsWith('CONFIG_'))
    .join('\n');
}

function readModuleFile(source: TargetSource, release: string, name: string): Uint8Array {
  const path = [`lib/modules/${release}/${name}`, `usr/lib/modules/${release}/${name}`].find((p) =>
    source.files.includes(p),
  );
  return path === undefined ? new Uint8Array(0) : source.read(path);
}

/** From the image, else from any module of the tree, else as the configuration says. */
function vermagicOf(source: TargetSource, facts: ImageFacts, configText: string): string {
  if (facts.vermagic !== undefined) return facts.vermagic;
  const module = source.files.find(
    (path) => path.includes(`lib/modules/${facts.release}/`) && /\.ko(\.\w+)?$/.test(path),
  );
  if (module !== undefined) {
    const elf = parseElf(unpack(source.read(module), module), module);
    const vermagic = parseModinfo(elf.section('.modinfo')?.data ?? new Uint8Array(0)).get('vermagic');
    if (vermagic !== undefined) return vermagic;
  }
  if (configText === '') {
    throw new TargetError(
      `${source.name}: nothing tells the vermagic of ${facts.release}: add the tree with its modules or its config`,
    );
  }
  return composeVermagic(facts.release, parseConfig(configText));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
