#!/bin/bash
# Builds every module of src/ (or those named) into the .ko files beside this script, for Debian's 6.1.0-53-amd64.
#
#   build.sh [NAME...]
#   build.sh trust [NAME...]            those of trust/, which have no BTF
#   build.sh hostile [NAME...]          those of hostile/, likewise
#   build.sh 6.12 [trust] NAME...       for Debian's 6.12 kernel, into 6.12/ and 6.12/trust/
#   build.sh edu [NAME...]              those of edu/, drivers for QEMU's card for teaching, likewise
#   build.sh rt [NAME...]               those of rt/, for Debian's 6.1.0-53-rt-amd64, without BTF
#
# Needs gcc-12, make, dpkg-deb, and for BTF pahole (dwarves) and xz; installs nothing. The kernel headers are Debian's
# packages linux-headers-*-amd64, linux-headers-*-common and linux-kbuild-* (and linux-image-* for BTF):
#   MODBOX_CORPUS=DIR   where those .deb files are     (default: shared/corpus beside the repository)
#   MODBOX_CACHE=DIR    where the merged tree is made  (default: ~/.cache/modbox)
# The result does not depend on where the repository or the cache is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
release=6.1.0-53; kbuild=linux-kbuild-6.1; out=$here; flavour=
if [[ ${1:-} == 6.12 ]]; then release=6.12.115+deb12; kbuild=linux-kbuild-$release; out=$here/6.12; shift; fi
folder=$here; btf=y
if [[ ${1:-} == trust || ${1:-} == hostile || ${1:-} == edu ]]; then folder=$here/$1; out=$out/$1; btf=; shift; fi
if [[ ${1:-} == rt ]]; then folder=$here/rt; out=$here/rt; btf=; flavour=-rt; shift; fi
corpus=${MODBOX_CORPUS:-$here/../../../shared/corpus}
cache=${MODBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/modbox}
tree=$cache/kbuild-$release$flavour
headers=$tree/usr/src/linux-headers-$release$flavour-amd64

if [[ ! -e $tree/.ready ]]; then
  rm -rf "$tree"; mkdir -p "$tree"
  for deb in "$corpus"/linux-headers-$release$flavour-amd64_*.deb "$corpus"/linux-headers-$release-common${flavour}_*.deb \
             "$corpus"/${kbuild}_*.deb; do dpkg-deb -x "$deb" "$tree"; done
  # The packages name /usr/src and /usr/lib; here they are below the tree.
  sed -i "s|/usr/src/|$tree/usr/src/|" "$headers/Makefile"
  # BTF of a module is made against the kernel's own, which is in the vmlinuz.
  if command -v pahole >/dev/null && image=$(ls "$corpus"/linux-image-$release$flavour-amd64*_*.deb); then
    dpkg-deb --fsys-tarfile "$image" | tar -xO "./boot/vmlinuz-$release$flavour-amd64" > "$tree/vmlinuz"
    at=$(LC_ALL=C grep -aobm1 $'\xfd7zXZ' "$tree/vmlinuz" | head -1 | cut -d: -f1 || true)  # the payload is an xz stream
    { tail -c +$((at + 1)) "$tree/vmlinuz" | xz -dc --single-stream > "$headers/vmlinux"; } 2>/dev/null || true
    readelf -SW "$headers/vmlinux" | grep -q '\.BTF' || { echo "build.sh: no BTF in the kernel image; building without" >&2; rm -f "$headers/vmlinux"; }
    rm -f "$tree/vmlinuz"
    # Debian does not ship resolve_btfids; it only fills .BTF_ids, which no module here has.
    ids=$tree/usr/lib/$kbuild/tools/bpf/resolve_btfids
    [[ -e $ids/resolve_btfids ]] || { mkdir -p "$ids"; ln -s /bin/true "$ids/resolve_btfids"; }
  fi
  touch "$tree/.ready"
fi

# kbuild sees the sources under a fixed, neutral name.
work=$cache/modules-build; rm -rf "$work"; mkdir -p "$work"
names=("$@"); [[ $# -gt 0 ]] || mapfile -t names < <(cd "$folder/src" && ls *.c | grep -v '^host_' | sed 's/\.c$//')
: > "$work/Kbuild"
for n in "${names[@]}"; do
  cp "$folder/src/$n.c" "$work/"
  echo "obj-m += $n.o" >> "$work/Kbuild"
done
cp "$folder"/src/*.h "$work/" 2>/dev/null || true
# `importer` needs the versions of exporter's symbols.
if [[ " ${names[*]} " == *" importer "* && " ${names[*]} " != *" exporter "* ]]; then
  cp "$here/src/exporter.c" "$work/"; echo "obj-m += exporter.o" >> "$work/Kbuild"; fi
# pahole in one thread: with more, the order of types in .BTF is another every time.
make -s -C "$headers" M="$work" modules -j"${JOBS:-2}" CONFIG_DEBUG_INFO_BTF_MODULES=$btf PAHOLE_FLAGS="--btf_gen_floats --lang_exclude=rust" \
  KCFLAGS="-ffile-prefix-map=$work/= -ffile-prefix-map=$tree/= -gno-record-gcc-switches"
for n in "${names[@]}"; do
  strip --strip-debug "$work/$n.ko"
  mkdir -p "$out"; cp "$work/$n.ko" "$out/$n.ko"
  if strings -a "$out/$n.ko" | grep -qF -e "$work" -e "$tree"; then echo "build.sh: $n.ko names the build directory" >&2; exit 1; fi
done
echo "built ${#names[@]} module(s) for $release-amd64"
