// SPDX-License-Identifier: GPL-2.0
// An input device, and a handler that logs what comes from it.
#include <linux/input.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/tty.h>

static struct input_dev *dev;

static void says(struct input_handle *handle, unsigned int type, unsigned int code, int value)
{
	pr_info("inputflow: %u %u %d, in atomic %d\n", type, code, value, in_atomic());
}

static int connects(struct input_handler *handler, struct input_dev *of, const struct input_device_id *id)
{
	struct input_handle *handle;

	if (of != dev)
		return -ENODEV;
	handle = kzalloc(sizeof(*handle), GFP_KERNEL);
	if (!handle)
		return -ENOMEM;
	handle->dev = of;
	handle->handler = handler;
	handle->name = "inputflow";
	return input_register_handle(handle) ?: input_open_device(handle);
}

static void disconnects(struct input_handle *handle)
{
	input_close_device(handle);
	input_unregister_handle(handle);
	kfree(handle);
}

static const struct input_device_id ids[] = { { .driver_info = 1 }, {} };
static struct input_handler handler = {
	.name = "inputflow", .event = says, .connect = connects, .disconnect = disconnects, .id_table = ids,
};

static int lights(struct input_dev *of, unsigned int type, unsigned int code, int value)
{
	pr_info("inputflow: the device is told %u %u %d\n", type, code, value);
	return 0;
}

static int __init inputflow_init(void)
{
	int ret;

	pr_info("inputflow: a terminal: %d\n", get_current_tty() != NULL);
	dev = input_allocate_device();
	if (!dev)
		return -ENOMEM;
	dev->name = "inputflow";
	dev->event = lights;
	input_set_capability(dev, EV_KEY, KEY_A);
	input_set_capability(dev, EV_REL, REL_X);
	input_set_capability(dev, EV_LED, LED_CAPSL);
	input_set_abs_params(dev, ABS_X, 0, 100, 0, 0);
	ret = input_register_device(dev);
	if (ret) {
		input_free_device(dev);
		return ret;
	}
	ret = input_register_handler(&handler);
	input_report_key(dev, KEY_A, 1);
	input_report_key(dev, KEY_A, 1); /* no change */
	input_report_key(dev, KEY_B, 1); /* it has no such key */
	input_sync(dev);
	input_sync(dev); /* nothing in it */
	input_report_rel(dev, REL_X, 0);
	input_report_rel(dev, REL_X, -3);
	input_report_abs(dev, ABS_X, 50);
	input_report_abs(dev, ABS_X, 50);
	input_event(dev, EV_LED, LED_CAPSL, 1);
	input_event(dev, EV_MSC, MSC_SCAN, 1); /* it has none */
	input_report_key(dev, KEY_A, 0);
	input_sync(dev);
	return ret;
}

static void __exit inputflow_exit(void)
{
	input_unregister_handler(&handler);
	input_unregister_device(dev);
}

module_init(inputflow_init);
module_exit(inputflow_exit);
MODULE_DESCRIPTION("input events from a device to a handler");
MODULE_LICENSE("GPL");
