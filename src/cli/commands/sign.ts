import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import {
  appendSignature,
  certificatesDer,
  compressionOf,
  detachedSignature,
  nodeSigner,
  parseIdentity,
  readGiven,
  SIGNING_HASHES,
  SignError,
  type SigningHash,
  splitModuleSignature,
  UsageError,
  writeWhole,
} from '../../index.js';
import { inFile } from '../certificates.js';

const HELP = `usage: modbox sign FILE... --key KEY [--cert CERT] [--hash HASH] [--out FILE]

Signs modules as the kernel's scripts/sign-file does: appends a PKCS#7 signature, in place. A module is signed before
it is compressed, and after it is stripped.

  --key KEY         the private key, RSA or ECDSA on any curve; PEM or DER. KBUILD_SIGN_PIN holds the passphrase of one
                    that is encrypted. (No pkcs11: URIs: keys on tokens are not implemented.)
  --cert CERT       its X.509 certificate, PEM or DER (default: the one in the key's file)
  --hash HASH       ${SIGNING_HASHES.join(', ')} (default sha256)
  -o, --out FILE    write there, and leave FILE as it is
  --strip           take signatures off first that it has; else the new one covers them
  -d, --detached    append nothing, write only the message, to FILE.p7s
  -p, --p7s         write the message to FILE.p7s too
  -k, --keyid       name the signer by its subject key identifier, not by issuer and serial number
  -s, --raw FILE    append this message, which somebody else made (no key)
  --json            what was done, one JSON object a line
`;

interface Signed {
  readonly file: string;
  /** What was written. */
  readonly written: readonly string[];
  readonly signer: string | null;
  readonly hash: SigningHash | null;
  readonly signatureBytes: number;
  /** Signatures that the file had before. */
  readonly signaturesBefore: number;
  readonly stripped: boolean;
}

interface Wanted {
  readonly out?: string | undefined;
  readonly strip: boolean;
  readonly detached: boolean;
  readonly p7s: boolean;
  readonly signer: string | null;
  readonly hash: SigningHash | null;
  message(module: Uint8Array): Promise<Uint8Array>;
}

/** `modbox sign`. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      key: { type: 'string' },
      cert: { type: 'string' },
      hash: { type: 'string' },
      out: { type: 'string', short: 'o' },
      strip: { type: 'boolean' },
      detached: { type: 'boolean', short: 'd' },
      p7s: { type: 'boolean', short: 'p' },
      keyid: { type: 'boolean', short: 'k' },
      raw: { type: 'string', short: 's' },
      json: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length === 0) throw new UsageError('sign: which module?');
  if (values.out !== undefined && positionals.length > 1)
    throw new UsageError('sign: --out is for one module');
  const where = {
    out: values.out,
    strip: values.strip ?? false,
    detached: values.detached ?? false,
    p7s: values.p7s ?? false,
  };
  if (where.detached && where.out !== undefined)
    throw new UsageError('sign: --detached writes FILE.p7s, not --out');
  const wanted: Wanted = { ...where, ...(values.raw === undefined ? byKey(values) : byOthers(values)) };
  for (const file of positionals) {
    const signed = await signFile(file, wanted);
    process.stdout.write(values.json ? `${JSON.stringify(signed)}\n` : textOf(signed));
  }
  return 0;
}

interface KeyFlags {
  readonly key?: string | undefined;
  readonly cert?: string | undefined;
  readonly hash?: string | undefined;
  readonly keyid?: boolean | undefined;
  readonly raw?: string | undefined;
  readonly detached?: boolean | undefined;
}

type Maker = Pick<Wanted, 'signer' | 'hash' | 'message'>;

function byKey(flags: KeyFlags): Maker {
  if (flags.key === undefined) throw new UsageError('sign: --key KEY is needed');
  if (flags.key.startsWith('pkcs11:'))
    throw new UsageError(
      'sign: --key pkcs11:...: PKCS#11 is not implemented: keys on tokens cannot be used, only key files; sign-file -s / modbox sign --raw appends what a token signed',
    );
  const hash = hashOf(flags.hash ?? 'sha256');
  const keyFile = flags.key;
  const key = inFile(keyFile, () => nodeSigner(readGiven(keyFile), process.env.KBUILD_SIGN_PIN));
  const certificateFile = flags.cert ?? flags.key;
  const certificate = certificateIn(certificateFile, flags.cert === undefined);
  return {
    signer: inFile(certificateFile, () => parseIdentity(certificate, certificateFile)).name,
    hash,
    message: (module) => detachedSignature(module, { key, certificate, hash, byKeyId: flags.keyid ?? false }),
  };
}

function certificateIn(path: string, isKeyFile: boolean): Uint8Array {
  const bytes = new Uint8Array(readGiven(path));
  try {
    return certificatesDer(bytes)[0];
  } catch (error) {
    if (!(error instanceof SignError)) throw error;
    const advice = isKeyFile ? ': --cert CERT is needed' : '';
    throw new SignError(`${path}: ${error.message}${advice}`);
  }
}

function hashOf(name: string): SigningHash {
  const found = SIGNING_HASHES.find((hash) => hash === name);
  if (found === undefined)
    throw new UsageError(`sign: --hash ${name}: not implemented, only ${SIGNING_HASHES.join(', ')}`);
  return found;
}

/** A message that was made elsewhere: appended as it is. */
function byOthers(flags: KeyFlags): Maker {
  const given = (['key', 'cert', 'hash', 'keyid', 'detached'] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (given !== undefined) throw new UsageError(`sign: --${given} means nothing with --raw`);
  const message = new Uint8Array(readGiven(flags.raw!));
  return { signer: null, hash: null, message: async () => message };
}

async function signFile(file: string, wanted: Wanted): Promise<Signed> {
  const given = new Uint8Array(readGiven(file));
  const compression = compressionOf(given);
  if (compression !== 'none')
    throw new SignError(
      `${file}: compressed with ${compression}: sign a module before it is compressed, the kernel checks what it unpacks`,
    );
  const { bytes, count } = withoutSignatures(given, file);
  if (count > 0 && !wanted.strip)
    process.stderr.write(
      `modbox: sign: ${file} is signed already: the new signature covers the old one (--strip)\n`,
    );
  const module = wanted.strip ? bytes : given;
  const message = await wanted.message(module);
  const written: string[] = [];
  if (wanted.detached || wanted.p7s) written.push(write(`${file}.p7s`, message));
  if (!wanted.detached) written.push(write(wanted.out ?? file, appendSignature(module, message), file));
  return {
    file,
    written,
    signer: wanted.signer,
    hash: wanted.hash,
    signatureBytes: message.length,
    signaturesBefore: count,
    stripped: wanted.strip && count > 0,
  };
}

function withoutSignatures(given: Uint8Array, file: string): { bytes: Uint8Array; count: number } {
  let bytes = given;
  for (let count = 0; ; count++) {
    const { module, signature } = splitModuleSignature(bytes, file);
    if (signature === undefined) return { bytes, count };
    bytes = module;
  }
}

/** Whole or not at all: written beside it and renamed, with the mode of `like`. */
function write(path: string, bytes: Uint8Array, like?: string): string {
  writeWhole(path, bytes, like === undefined ? 0o644 : statSync(like).mode & 0o777);
  return path;
}

function textOf({ written, signer, hash }: Signed): string {
  const how = signer === null ? 'the signature given' : `${signer || 'a key without a name'}, ${hash}`;
  return `${basename(written.at(-1)!)}: signed by ${how}\n`;
}
