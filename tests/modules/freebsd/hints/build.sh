#!/bin/sh
# Builds the modules of this folder with clang-14 and ld.lld-14; no headers of FreeBSD are needed.
set -e
cd "$(dirname "$0")"
flags='-target x86_64-unknown-freebsd14.2 -ffreestanding -O2 -fno-asynchronous-unwind-tables'
for name in devices plain broken; do
	clang-14 $flags -mcmodel=kernel -c $name.c -o $name.o
	ld.lld-14 -m elf_x86_64_fbsd -r --build-id=none $name.o -o $name.ko
	rm $name.o
done
clang-14 $flags -fPIC -c library.c -o library.o
ld.lld-14 -m elf_x86_64_fbsd -shared --hash-style=sysv --build-id=none -z start-stop-visibility=default library.o -o library.ko
rm library.o
chmod 644 library.ko
clang-14 $flags -mcmodel=kernel -c kernel.c -o kernel.o
ld.lld-14 -m elf_x86_64_fbsd -export-dynamic -dynamic-linker /red/herring --hash-style=sysv --build-id=none --image-base=0xffffffff80200000 \
	-z start-stop-visibility=default -e btext kernel.o -o kernel
rm kernel.o
chmod 644 kernel
