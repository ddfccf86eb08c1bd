#!/bin/sh
# Builds NAME.ko of src/NAME.c, all or those named, with clang-14 and ld.lld-14, without FreeBSD's makefiles:
#
#     build.sh GENERIC MACHINE SOURCES INTERFACES [NAME...]
#
# GENERIC, MACHINE: 14.2's headers; SOURCES: a sys/ tree for the awk generators and contrib/ck; INTERFACES: 14.2's *_if.m and
# vnode_if.src. Where they are from: scripts/freebsd/README.md. The same input gives the same files.
set -eu
[ $# -ge 4 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
generic=$(realpath "$1") machine=$(realpath "$2") sources=$(realpath "$3") interfaces=$(realpath "$4")
shift 4
cd "$(dirname "$0")"
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

generate() {
  mkdir "$work/include"
  cd "$work/include"
  : > opt_global.h
  for option in $(grep -rhoE '"opt_[a-z0-9_]+\.h"' "$generic" "$machine" | tr -d '"' | sort -u); do : > "$option"; done
  # kmod.mk makes these for every module.
  echo '#define INET 1' > opt_inet.h
  echo '#define INET6 1' > opt_inet6.h
  for file in $(ls "$interfaces"/*.m "$here"/src/*_if.m 2>/dev/null); do awk -f "$sources/tools/makeobjops.awk" "$file" -h; done
  for part in -h -p -q; do awk -f "$sources/tools/vnode_if.awk" "$interfaces/vnode_if.src" $part; done
}

# clang for FreeBSD takes the stack protector's __stack_chk_guard from a GOT, by relocations that the kernel's linker does not know
# (clang 14 has no switch for it); for bare ELF it takes it directly. Modules without arrays on the stack are the same either way.
protected=' ioctls mbkobj mmapdev pathdev stacksmash strings tinyfs '

build() {
  cd "$here/src"
  case "$protected" in
    *" $1 "*) target='x86_64-unknown-none-elf -D__FreeBSD__=14' ;;
    *) target=x86_64-unknown-freebsd14.2 ;;
  esac
  objects=
  sources_of=$1.c
  # An interface of the module's own has a .c file, too.
  if [ -e "$1_if.m" ]; then
    (cd "$work" && awk -f "$sources/tools/makeobjops.awk" "$here/src/$1_if.m" -c)
    sources_of="$1.c $work/$1_if.c"
  fi
  for source in $sources_of; do
    object=$work/$(basename "$source" .c).o
    # shellcheck disable=SC2086
    clang-14 -target $target -std=gnu99 -O2 -D_KERNEL -DKLD_MODULE -DSMP -DVIMAGE \
      -D__FreeBSD_version=1402000 -nostdinc -include opt_global.h -I"$work/include" \
      -isystem "$machine" -isystem "$generic" -isystem "$sources/contrib/ck/include" \
      -mcmodel=kernel -mno-red-zone -mno-mmx -mno-sse -msoft-float -ffreestanding -fwrapv -fstack-protector \
      -fno-common -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
      -Wall -Werror -Wno-macro-redefined -Wno-unused-const-variable -Wno-unused-function -Wno-format-invalid-specifier -Wno-format-extra-args -Wno-format -c "$source" -o "$object"
    objects="$objects $object"
  done
  # shellcheck disable=SC2086
  ld.lld-14 -m elf_x86_64_fbsd -r --build-id=sha1 -o "$here/$1.ko" $objects
}

(generate)
if [ $# -eq 0 ]; then
  for file in src/*.c; do set -- "$@" "$(basename "$file" .c)"; done
fi
for name; do
  build "$name"
done
