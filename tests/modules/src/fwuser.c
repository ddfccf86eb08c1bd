// SPDX-License-Identifier: GPL-2.0
/* Asks for firmware and says what it got. */
#include <linux/firmware.h>
#include <linux/module.h>
#include <linux/platform_device.h>

static char *name = "modbox/blob.bin";
module_param(name, charp, 0444);

static int __init fwuser_init(void)
{
	const struct firmware *fw;
	struct platform_device *pdev;
	int err;

	pdev = platform_device_register_simple("fwuser", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = request_firmware(&fw, name, &pdev->dev);
	if (err)
		pr_info("fwuser: %d\n", err);
	else
		pr_info("fwuser: %zu bytes, <%.*s>\n", fw->size, (int)fw->size, fw->data);
	release_firmware(fw);
	platform_device_unregister(pdev);
	return 0;
}

static void __exit fwuser_exit(void)
{
}

module_init(fwuser_init);
module_exit(fwuser_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Asks for firmware");
MODULE_FIRMWARE("modbox/blob.bin");
