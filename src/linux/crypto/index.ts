import type { SubsystemClass } from '../subsystem.js';
import { Aeads } from './aead.js';
import { Aes } from './aes.js';
import { AesGeneric } from './aes-generic.js';
import { Ahashes } from './ahash.js';
import { CryptoApi } from './algapi.js';
import { CryptoAttributes } from './attributes.js';
import { BlockModes } from './block-modes.js';
import { BuiltinHashes } from './builtin-hashes.js';
import { Ciphers } from './cipher.js';
import { BuiltinCompressors } from './compressors.js';
import { CryptoTypes } from './frontends.js';
import { Hmac } from './hmac.js';
import { CryptoInstances } from './instances.js';
import { MissingBuiltins } from './missing-builtins.js';
import { NullAlgorithms } from './null.js';
import { CryptoManager } from './probe.js';
import { CryptoProcFile } from './proc-file.js';
import { CryptoRegistration } from './registration.js';
import { ScatterWalks } from './scatterwalk.js';
import { CryptoSelfTests } from './self-tests.js';
import { Sha3 } from './sha3.js';
import { Shash } from './shash.js';
import { Skciphers } from './skcipher.js';
import { SkcipherWalks } from './skcipher-walk.js';
import { CryptoSpawns } from './spawns.js';
import { CryptoTemplates } from './templates.js';
import { CryptoTfms } from './tfm.js';
import { CryptoUtils } from './utils.js';

/** The crypto API: algorithms that modules register and use. */
export const CRYPTO_SUBSYSTEMS: readonly SubsystemClass[] = [
  CryptoApi,
  CryptoTypes,
  CryptoTfms,
  Ciphers,
  Shash,
  Skciphers,
  SkcipherWalks,
  Aeads,
  CryptoRegistration,
  CryptoAttributes,
  CryptoTemplates,
  CryptoSpawns,
  CryptoInstances,
  CryptoManager,
  CryptoUtils,
  Aes,
  ScatterWalks,
  Ahashes,
  Hmac,
  BlockModes,
  NullAlgorithms,
  BuiltinHashes,
  Sha3,
  AesGeneric,
  MissingBuiltins,
  BuiltinCompressors,
  CryptoProcFile,
  // After what is built in, which the kernel tests before anybody reads its log.
  CryptoSelfTests,
];
