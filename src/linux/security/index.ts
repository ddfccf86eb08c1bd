import { TaskCredentials } from '../credentials.js';
import type { SubsystemClass } from '../subsystem.js';
import { AsymmetricKeyParsers } from './keys/asymmetric-parsers.js';
import { CertificateLists } from './keys/certificate-lists.js';
import { KeyTypes } from './keys/key-types.js';
import { Keys } from './keys/keys.js';
import { LsmNotifiers } from './lsm-notifiers.js';

/** Keys, and who may load which modules, in boot order. */
export const SECURITY_SUBSYSTEMS: readonly SubsystemClass[] = [
  KeyTypes,
  Keys,
  CertificateLists,
  TaskCredentials,
  LsmNotifiers,
  AsymmetricKeyParsers,
];
