/**
 * modbox as a library on Node: what is in portable.ts, files and folders of the disk, and the kernel that comes with the package as
 * the one that machines boot if nobody chooses. Beside that, what modbox's own commands are made of.
 */
import { setDefaultFiles } from './kmod/index.js';
import { DiskFiles } from './kmod/node/disk-files.js';
import { setBootDefaults } from './machine/linux/defaults.js';
import { userTranslations } from './machine/linux/node/disk-translations.js';
import { DiskIndexCache } from './machine/linux/node/index-cache.js';
import { loadBundled } from './target/node/index.js';

setDefaultFiles(new DiskFiles(''));
setBootDefaults({
  target: loadBundled,
  indexCache: () => new DiskIndexCache(),
  translations: userTranslations,
});

export { KldChecker, kldCheckJson, kldVerdictText, summaryText } from './check/index.js';
export { S_IFDIR, S_IFMT } from './files/mode.js';
export { NotAFileError, readGiven, readGivenText } from './files/node/read-given.js';
export { writeWhole } from './files/node/write-whole.js';
export { compressionOf } from './formats/compressed/unpack.js';
export { splitModuleSignature } from './formats/module-signature.js';
export { visible, visibleJson } from './formats/visible-text.js';
export { type DeviceModel, MODELS, modelsFor } from './hardware/models/index.js';
export { deviceArguments } from './hardware/node/qemu/device-arguments.js';
export { QemuBoard } from './hardware/node/qemu/qemu-board.js';
export { QemuError } from './hardware/node/qemu/qemu-error.js';
export type { PciBoard } from './hardware/pci/pci-board.js';
export { MissingFileError } from './kmod/closure/image-files.js';
export { infoOf, moduleNameOf } from './kmod/index.js';
export { isModuleFile } from './kmod/names.js';
export { DiskFiles } from './kmod/node/disk-files.js';
export { DiskWriter } from './kmod/node/disk-writer.js';
export { ModuleFolder } from './kmod/node/module-folder.js';
export { writeImage } from './kmod/node/write-image.js';
export { CallRecordError } from './kmod/recording-kernel.js';
export { moduleOptions } from './kmod/tools/module-options.js';
export { strerror } from './linux/errno.js';
export { explainTaint, parseTaint, taintLetters } from './linux/traps/taint-words.js';
export { DiskTranslations, userTranslations } from './machine/linux/node/disk-translations.js';
export { DiskIndexCache } from './machine/linux/node/index-cache.js';
export * from './portable.js';
export { readTarget } from './target/index.js';
export {
  BUNDLED_FREEBSD,
  loadBundled,
  type StoredTarget,
  sourceOfPath,
  TargetStore,
} from './target/node/index.js';
export {
  appendSignature,
  certificatesDer,
  detachedSignature,
  parseCertificate,
  parseIdentity,
  Refused,
  SIGNING_HASHES,
  SignError,
  type SigningHash,
} from './trust/index.js';
export { nodeSigner } from './trust/node/signer.js';
export { nodeVerifier } from './trust/node/verifier.js';
