import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_NOTICE } from '../../../kernel/log.js';
import { isErr, ptrErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Keys } from './keys.js';

/** DER: a SEQUENCE whose length is in the next two bytes. Every certificate is longer than 255 bytes. */
const SEQUENCE_WITH_LENGTH = [0x30, 0x82] as const;
const HEADER = 4;
/** KEY_POS_ALL without KEY_POS_SETATTR, KEY_USR_VIEW and KEY_USR_READ (include/linux/key.h). */
const PERMISSIONS = 0x1f03_0000;

/** Lists of certificates, one behind the other (crypto/asymmetric_keys/x509_loader.c). */
export class CertificateLists implements Subsystem {
  static readonly builtIn = 'CONFIG_SYSTEM_BLACKLIST_KEYRING';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    x509_load_certificate_list: (list: Ptr, size: number, keyring: Ptr) => this.load(list, size, keyring),
  };

  /** Makes a key of each and links it into the keyring. What cannot be read is reported and passed over. */
  private *load(list: Ptr, size: number, keyring: Ptr): Sleepable<number> {
    const { k } = this;
    for (let at = list; at < list + size; ) {
      const length = this.certificateLength(at, list + size - at);
      if (length === undefined) {
        k.log.line('Problem parsing in-kernel X.509 certificate list', LOGLEVEL_ERR);
        return 0;
      }
      yield* this.loadOne(at, length, keyring);
      at += length;
    }
    return 0;
  }

  private *loadOne(at: Ptr, length: number, keyring: Ptr): Sleepable<void> {
    const { k } = this;
    const keys = k.get(Keys);
    const possessed = keyring + 1;
    const key = yield* keys.createOrUpdate(possessed, 'asymmetric', 0, at, length, PERMISSIONS);
    if (isErr(key)) {
      k.log.line(`Problem loading in-kernel X.509 certificate (${ptrErr(key)})`, LOGLEVEL_ERR);
      return;
    }
    const plain = key - (key & 1);
    k.log.line(`Loaded X.509 cert '${k.struct('key').string(plain, 'description')}'`, LOGLEVEL_NOTICE);
    yield* keys.put(plain);
  }

  private certificateLength(at: Ptr, left: number): number | undefined {
    if (left < HEADER) return undefined;
    const header = this.k.space.readable(at, HEADER);
    if (SEQUENCE_WITH_LENGTH.some((byte, i) => header[i] !== byte)) return undefined;
    const length = ((header[2] << 8) | header[3]) + HEADER;
    return length <= left ? length : undefined;
  }
}
