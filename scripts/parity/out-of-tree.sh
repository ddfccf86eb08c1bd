#!/bin/bash
# Makes a tree of Debian's kernel 6.1.0-53-amd64 with modules of others in updates/dkms: those of Debian's dkms packages, built here.
#
#   scripts/parity/out-of-tree.sh OUT [PACKAGE...]        without PACKAGE: all 29 whose modules docs/kernels.md tells of
#
#   OUT/tree       lib/modules/6.1.0-53-amd64 with its index, boot/; `modbox target add OUT/tree` and `--root OUT/tree`
#   OUT/list       the names of the modules that were built: for `run --each-from` and for scripts/parity/record.ts
#   OUT/log        what make said, a file a package
#   MODBOX_CORPUS=DIR   where the .deb files of the kernel, its headers and kbuild are (default: shared/corpus beside the repository)
#
# Needs gcc-12, make, kmod's depmod, dpkg-deb, apt-get with Debian 12's lists; installs nothing. Two files of these packages do not
# compile with this kernel's headers any more (lttng-probe-timer, razerkbd): they are left out.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(mkdir -p "${1:?usage: out-of-tree.sh OUT [PACKAGE...]}" && cd "$1" && pwd); shift
corpus=${MODBOX_CORPUS:-$here/../../../shared/corpus}
release=6.1.0-53-amd64; kbuild=$out/kbuild; headers=$kbuild/usr/src/linux-headers-$release
packages=("$@")
[[ $# -gt 0 ]] || packages=(acpi-call adv-17v35x apfs bbswitch dahdi ddcci digimend dm-writeboost dpdk-kmods evdi
  falcosecurity-scap gost-crypto iptables-netflow jool langford librem-ec-acpi lime-forensics lttng-modules nat-rtsp
  openrazer-driver openvpn-dco rapiddisk rtpengine-kernel tp-smapi v4l2loopback vpoll xtables-addons west-chamber xtrx)

if [[ ! -e $kbuild/.ready ]]; then
  mkdir -p "$kbuild" "$out/tree"
  for deb in "$corpus"/linux-headers-*.deb "$corpus"/linux-kbuild-*.deb; do dpkg-deb -x "$deb" "$kbuild"; done
  sed -i "s|/usr/src/|$kbuild/usr/src/|" "$headers/Makefile"
  dpkg-deb -x "$(ls "$corpus"/linux-image-${release}_*.deb)" "$out/tree"
  touch "$kbuild/.ready"
fi
mkdir -p "$out"/{debs,src,log,build,include} "$out/tree/lib/modules/$release/updates/dkms"

fetch() { (cd "$out/debs" && apt-get -qq download "$1" 2>/dev/null) || echo "out-of-tree.sh: $1 cannot be had" >&2; }

# kbuild in a folder of modules, with what its Makefile wants to know.
modules() { local folder=$1; shift; make -j2 -C "$headers" M="$folder" "$@" modules; }

# The modules of one package, in its copy of the sources.
build() {
  local package=$1 at=$2
  case $package in
    dahdi) make -j2 -C "$at" modules KVERS=$release KSRC="$headers" MODULES_EXTRA='dahdi_dummy dahdi_echocan_oslec' ;;
    ddcci) modules "$at/ddcci"; modules "$at/ddcci-backlight" KBUILD_EXTRA_SYMBOLS="$at/ddcci/Module.symvers" ;;
    dm-writeboost) (cd "$at" && make all KERNEL_TREE="$headers") ;;
    iptables-netflow)
      fetch libxtables-dev; dpkg-deb -x "$out"/debs/libxtables-dev_*.deb "$out/include"
      (cd "$at" && ./configure --kver=$release --kdir="$headers" --ipt-ver=1.8.9 --ipt-inc="$out/include/usr/include" --ipt-lib=/ \
        --disable-snmp-agent --disable-dkms --enable-natevents --enable-snmp-rules --enable-macaddress --enable-vlan \
        --enable-direction --enable-sampler --enable-physdev --enable-promisc --promisc-mpls && make ipt_NETFLOW.ko) ;;
    jool) for part in common nat64 siit; do modules "$at/src/mod/$part"; done ;;
    lttng-modules)
      sed -i '/lttng-probe-timer/d' "$at/src/probes/Kbuild"
      modules "$at" CONFIG_LTTNG=m CONFIG_LTTNG_CLOCK_PLUGIN_TEST=m ;;
    openrazer-driver)
      { echo 'obj-m := razermouse.o razerkraken.o razeraccessory.o'; cat "$at/driver/Makefile"; } > "$at/driver/Kbuild"
      sed -i '2,$s/^obj-m.*//' "$at/driver/Kbuild"; modules "$at/driver" ;;
    v4l2loopback) make -C "$at" KERNEL_DIR="$headers" v4l2loopback.ko ;;
    xtables-addons) modules "$at/extensions" XA_ABSTOPSRCDIR="$at" XA_TOPSRCDIR="$at" ;;
    west-chamber)
      cp "$out"/build/xtables-addons/extensions/compat_xtables.c "$at/extensions/"
      modules "$at/extensions" XA_ABSTOPSRCDIR="$at" XTABLESDIR="$out/build/xtables-addons"
      rm -f "$at/extensions/compat_xtables.ko" ;;
    adv-17v35x | digimend | langford) modules "$at" ;;
    *) # What dkms itself would call.
      (MAKE=(); kernelver=$release KERNELRELEASE=$release kernel_source_dir=$headers KDIR=$headers dkms_tree=$out/dkms
       set +eu; cd "$at" && source ./dkms.conf
       mkdir -p "$dkms_tree/$PACKAGE_NAME/$PACKAGE_VERSION"; ln -sfn "$at" "$dkms_tree/$PACKAGE_NAME/$PACKAGE_VERSION/build"
       command=${MAKE[0]:-make -C $headers M=$at}; eval "${command//make /make KSRC=$headers KVERSION=$release }") ;;
  esac
}

for package in "${packages[@]}"; do
  name=$package-dkms
  fetch "$name"; deb=$(ls "$out/debs/${name}"_*.deb) || continue
  rm -rf "$out/src/$package" "$out/build/$package"; dpkg-deb -x "$deb" "$out/src/$package"
  cp -r "$out/src/$package"/usr/src/*/ "$out/build/$package"
  if ! build "$package" "$out/build/$package" > "$out/log/$package" 2>&1; then echo "$package: see $out/log/$package" >&2; fi
  built=0
  while read -r module; do
    strip --strip-debug -o "$out/tree/lib/modules/$release/updates/dkms/$(basename "$module")" "$module"; built=$((built + 1))
  done < <(find "$out/build/$package" -name '*.ko')
  echo "$package: $built modules"
done
depmod -b "$out/tree" "$release"
ls "$out/tree/lib/modules/$release/updates/dkms" | sed 's/\.ko$//' > "$out/list"
echo "$(wc -l < "$out/list") modules in $out/list"
