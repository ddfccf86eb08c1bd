import type { SubsystemClass } from '../subsystem.js';
import { CryptoApi } from './algapi.js';
import { CryptoRegistration } from './registration.js';
import { Shash } from './shash.js';
import { CryptoTfms } from './tfm.js';
import { CryptoXor } from './xor.js';

/** The crypto API: algorithms that modules register and use. */
export const CRYPTO_SUBSYSTEMS: readonly SubsystemClass[] = [
  CryptoApi,
  CryptoTfms,
  Shash,
  CryptoRegistration,
  CryptoXor,
];
