/* SPDX-License-Identifier: Apache-2.0 */
/* A driver without hardware: identify adds its device below nexus, detach refuses once with EBUSY while hw.nexusdev_busy is set. */
#include <sys/param.h>
#include <sys/bus.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

static int nexusdev_busy;
SYSCTL_INT(_hw, OID_AUTO, nexusdev_busy, CTLFLAG_RWTUN, &nexusdev_busy, 0, "Refuse to detach");

static void
nexusdev_identify(driver_t *driver, device_t parent)
{
	if (device_find_child(parent, driver->name, -1) == NULL)
		device_add_child(parent, driver->name, -1);
}

static int
nexusdev_probe(device_t dev)
{
	device_set_desc(dev, "Device without hardware");
	return (BUS_PROBE_SPECIFIC);
}

static int
nexusdev_attach(device_t dev)
{
	device_printf(dev, "unit %d of %s\n", device_get_unit(dev), device_get_nameunit(device_get_parent(dev)));
	return (0);
}

static int
nexusdev_detach(device_t dev)
{
	return (nexusdev_busy ? EBUSY : 0);
}

static device_method_t nexusdev_methods[] = {
	DEVMETHOD(device_identify, nexusdev_identify),
	DEVMETHOD(device_probe, nexusdev_probe),
	DEVMETHOD(device_attach, nexusdev_attach),
	DEVMETHOD(device_detach, nexusdev_detach),
	DEVMETHOD_END
};

static driver_t nexusdev_driver = { "nexusdev", nexusdev_methods, 1 };

static int
nexusdev_event(module_t mod, int what, void *arg)
{
	if (what == MOD_LOAD || what == MOD_UNLOAD)
		printf("nexusdev: chained event %d\n", what);
	return (0);
}

DRIVER_MODULE(nexusdev, nexus, nexusdev_driver, nexusdev_event, NULL);
