import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { type Applet, inputs, parseFlags } from '../applet.js';

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Prints checksums as coreutils do. */
function checksumApplet(name: string, digest: (bytes: Uint8Array) => Uint8Array): Applet {
  return {
    name,
    usage: `${name} [FILE]...`,
    summary: 'Prints checksums of files.',
    *run(context) {
      const { operands } = parseFlags(context.args, ['b', 't']);
      let status = 0;
      for (const { file, bytes } of yield* inputs(context, name, operands)) {
        if (bytes) context.io.out(`${hex(digest(bytes))}  ${file}\n`);
        else status = 1;
      }
      return status;
    },
  };
}

export const md5sumApplet = checksumApplet('md5sum', md5);
export const sha1sumApplet = checksumApplet('sha1sum', sha1);
export const sha256sumApplet = checksumApplet('sha256sum', sha256);
export const sha512sumApplet = checksumApplet('sha512sum', sha512);
