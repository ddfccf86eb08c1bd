#!/bin/bash
# Makes keys/ where it is not there, and signatures/NAME.p7s: what is to be appended to trustme.ko, by keys that no kernel
# knows. With OpenSSL's cms(1), in the ways that the kernel's reader tells apart.
#
#   sign.sh                          (signatures of ECDSA come out otherwise each time)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
subject="/O=modbox/CN=modbox test key"
key() { # NAME, options of req
  [[ -e keys/$1.pem ]] || openssl req -x509 -new -nodes -days 36500 -batch -utf8 -sha256 -subj "$subject $1" "${@:2}" \
    -keyout "keys/$1.pem" -out "keys/$1.crt" 2>/dev/null
}
mkdir -p keys signatures
key rsa -newkey rsa:2048
key p256 -newkey ec -pkeyopt ec_paramgen_curve:P-256
key p384 -newkey ec -pkeyopt ec_paramgen_curve:P-384
# What sign-file makes: detached, without attributes and certificates, the signer by issuer and serial number.
bare="-nosmimecap -noattr -nocerts"
sign() { # NAME KEY HASH, options of cms
  openssl cms -sign -binary -outform DER -in trustme.ko -signer "keys/$2.crt" -inkey "keys/$2.pem" -md "$3" \
    "${@:4}" -out "signatures/$1.p7s"
}
for hash in md5 sha1 sha224 sha256 sha384 sha512 sha3-256; do sign "rsa-$hash" rsa "$hash" $bare; done
sign p256-sha256 p256 sha256 $bare
sign p384-sha384 p384 sha384 $bare
sign rsa-keyid rsa sha256 $bare -keyid
sign rsa-attributes rsa sha256 -nosmimecap -nocerts
sign rsa-certificate rsa sha256 -nosmimecap -noattr
sign p256-certificate p256 sha256 -nosmimecap -noattr
sign rsa-attached rsa sha256 $bare -nodetach
sign rsa-pss rsa sha256 $bare -keyopt rsa_padding_mode:pss
