/* SPDX-License-Identifier: Apache-2.0 */
/* Registers two firmware images, of which the second belongs to the first, and takes the first itself while it is loaded. */
#include <sys/param.h>
#include <sys/errno.h>
#include <sys/firmware.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>

static const char fwimage_data[] = "firmware of modbox";

static int
fwimage_event(module_t mod, int what, void *arg)
{
	const struct firmware *parent, *got;
	int error;

	switch (what) {
	case MOD_LOAD:
		parent = firmware_register("modbox_fw", fwimage_data, sizeof(fwimage_data), 5, NULL);
		if (parent == NULL)
			return (ENXIO);
		if (firmware_register("modbox_fw_part", fwimage_data + 12, 7, 1, parent) == NULL) {
			firmware_unregister("modbox_fw");
			return (ENXIO);
		}
		got = firmware_get("modbox_fw_part");
		printf("fwimage: %s, %zu bytes, version %u: %s\n", got->name, got->datasize, got->version, (const char *)got->data);
		firmware_put(got, FIRMWARE_UNLOAD);
		return (0);
	case MOD_UNLOAD:
		error = firmware_unregister("modbox_fw_part");
		if (error == 0)
			error = firmware_unregister("modbox_fw");
		return (error);
	default:
		return (EINVAL);
	}
}

static moduledata_t fwimage_mod = { "modbox_fw", fwimage_event, NULL };

DECLARE_MODULE(modbox_fw, fwimage_mod, SI_SUB_DRIVERS, SI_ORDER_FIRST);
MODULE_VERSION(modbox_fw, 5);
MODULE_DEPEND(modbox_fw, firmware, 1, 1, 1);
