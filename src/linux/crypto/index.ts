import type { SubsystemClass } from '../subsystem.js';
import { Aes } from './aes.js';
import { CryptoApi } from './algapi.js';
import { CryptoRegistration } from './registration.js';
import { ScatterWalks } from './scatterwalk.js';
import { Shash } from './shash.js';
import { CryptoTfms } from './tfm.js';
import { CryptoUtils } from './utils.js';

/** The crypto API: algorithms that modules register and use. */
export const CRYPTO_SUBSYSTEMS: readonly SubsystemClass[] = [
  CryptoApi,
  CryptoTfms,
  Shash,
  CryptoRegistration,
  CryptoUtils,
  Aes,
  ScatterWalks,
];
