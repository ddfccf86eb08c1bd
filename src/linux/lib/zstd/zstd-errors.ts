import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** What each error is called (lib/zstd/common/error_private.c). */
const NAMES: Readonly<Record<string, string>> = {
  no_error: 'No error detected',
  GENERIC: 'Error (generic)',
  prefix_unknown: 'Unknown frame descriptor',
  version_unsupported: 'Version not supported',
  frameParameter_unsupported: 'Unsupported frame parameter',
  frameParameter_windowTooLarge: 'Frame requires too much memory for decoding',
  corruption_detected: 'Corrupted block detected',
  checksum_wrong: "Restored data doesn't match checksum",
  parameter_unsupported: 'Unsupported parameter',
  parameter_outOfBound: 'Parameter is out of bound',
  memory_allocation: 'Allocation error : not enough memory',
  dstSize_tooSmall: 'Destination buffer is too small',
  srcSize_wrong: 'Src size is incorrect',
};

/** Results of zstd's functions: a size, or an error as a negative number (lib/zstd/common/zstd_common.c). */
export class ZstdErrors implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    zstd_is_error: (result: bigint) => (this.codeOf(result) === 0 ? 0 : 1),
    zstd_get_error_code: (result: bigint) => this.codeOf(result),
    zstd_get_error_name: (result: bigint) => this.name(result),
    ZSTD_isError: (result: bigint) => (this.codeOf(result) === 0 ? 0 : 1),
    ZSTD_getErrorCode: (result: bigint) => this.codeOf(result),
    ZSTD_getErrorName: (result: bigint) => this.name(result),
  };

  readonly signatures = Object.fromEntries(
    Object.keys(this.exports).map((name) => [name, /name$/i.test(name) ? 'p:Q' : 'u:Q']),
  );

  /** The result that stands for an error: `corruption_detected`. */
  result(name: string): number {
    return -this.k.enumValue(`ZSTD_error_${name}`);
  }

  private codeOf(result: bigint): number {
    const code = Number(-BigInt.asIntN(64, result));
    return code > 0 && code < this.k.enumValue('ZSTD_error_maxCode') ? code : 0;
  }

  private name(result: bigint): Ptr {
    const code = this.codeOf(result);
    const name = Object.keys(NAMES).find((key) => this.k.enumValue(`ZSTD_error_${key}`) === code);
    return this.k.constantString(name === undefined ? 'Unspecified error code' : NAMES[name]);
  }
}
