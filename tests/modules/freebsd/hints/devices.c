/* SPDX-License-Identifier: Apache-2.0 */
/* A module with every kind of metadata, and tables of devices with every kind of field. */
#include "metadata.h"

extern int extern_handler(void *, int, void *);
static int handler(void *module, int what, void *arg) { return what > 3 ? 45 : 0; }

/* Not first in the file: kldxref puts it there. */
VERSION(version, "devices", 7);
DEPEND(on_kernel, "kernel", 1402000, 1402000, 1499999);
DEPEND(on_pci, "pci", 1, 1, 1);
MODULE(first, "devices_pci", handler, (void *)0);
/* A second module of the file: linker.hints of FreeBSD 14 has only the first. */
MODULE(second, "devices_usb", extern_handler, (void *)&version);

struct row {
	unsigned short vendor, device;
	unsigned char revision, any;
	const void *skipped;
	const char *text, *match;
	unsigned int wide, pair, eisa;
	unsigned short least, most, mask;
};

static const struct row rows[] = {
	{ 0x8086, 0x100e, 3, 0xff, &version, "A network card", "PNP0501", 0xfffffffe, 0x12345678, 0x0105d041, 1, 2, 7 },
	{ 0xffff, 0x1, 0xff, 4, 0, 0, "", 0xffffffff, 0xffff0001, 0xffffffff, 0xffff, 0, 0 },
};

PNP(table, "pci",
    "U16:vendor;V16:device; U8:revision;V8:any;P:#;D:#;Z:_HID;V32:wide;W32:sub/subsys;E:pnpid;G16:least;L16:most;M16:mask;T:class=3",
    rows);

static const struct { unsigned int id; } none[1];
static const struct mod_pnp_match_info empty = { "U32:id;", "usb", none, 4, 0 };
METADATA(empty, 4, &empty, "usb");
