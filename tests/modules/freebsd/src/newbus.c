/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bus below nexus, modboxbus0, with one child, modboxchild0: identify, probe, attach, detach; instance variables; a softc with a
 * mutex and a callout that ticks ten times a second; sysctls of the device (dev.modboxchild.0.ticks, ...).
 */
#include <sys/param.h>
#include <sys/bus.h>
#include <sys/callout.h>
#include <sys/kernel.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/mutex.h>
#include <sys/sbuf.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

enum { MODBOXBUS_IVAR_NUMBER };

__BUS_ACCESSOR(modboxbus, number, MODBOXBUS, NUMBER, int)

struct modboxchild_softc {
	device_t dev;
	struct mtx lock;
	struct callout tick;
	int ticks;
	int number;
};

static void
modboxbus_identify(driver_t *driver, device_t parent)
{
	if (device_find_child(parent, "modboxbus", -1) == NULL)
		BUS_ADD_CHILD(parent, 0, "modboxbus", 0);
}

static int
modboxbus_probe(device_t dev)
{
	device_set_desc(dev, "Bus of modbox");
	return (BUS_PROBE_NOWILDCARD);
}

static int
modboxbus_attach(device_t dev)
{
	device_t child;

	child = device_add_child(dev, "modboxchild", -1);
	if (child == NULL)
		return (ENXIO);
	device_set_ivars(child, (void *)(uintptr_t)42);
	return (bus_generic_attach(dev));
}

static int
modboxbus_detach(device_t dev)
{
	int error;

	error = bus_generic_detach(dev);
	if (error != 0)
		return (error);
	return (device_delete_children(dev));
}

static int
modboxbus_read_ivar(device_t dev, device_t child, int which, uintptr_t *result)
{
	if (which != MODBOXBUS_IVAR_NUMBER)
		return (ENOENT);
	*result = (uintptr_t)device_get_ivars(child);
	return (0);
}

static int
modboxbus_child_location(device_t dev, device_t child, struct sbuf *sb)
{
	sbuf_printf(sb, "number=%d", (int)(uintptr_t)device_get_ivars(child));
	return (0);
}

static device_method_t modboxbus_methods[] = {
	DEVMETHOD(device_identify, modboxbus_identify),
	DEVMETHOD(device_probe, modboxbus_probe),
	DEVMETHOD(device_attach, modboxbus_attach),
	DEVMETHOD(device_detach, modboxbus_detach),
	DEVMETHOD(bus_print_child, bus_generic_print_child),
	DEVMETHOD(bus_read_ivar, modboxbus_read_ivar),
	DEVMETHOD(bus_child_location, modboxbus_child_location),
	DEVMETHOD_END
};

static driver_t modboxbus_driver = { "modboxbus", modboxbus_methods, 0 };

static void
modboxchild_tick(void *arg)
{
	struct modboxchild_softc *sc = arg;

	mtx_assert(&sc->lock, MA_OWNED);
	sc->ticks++;
	callout_schedule(&sc->tick, hz / 10);
}

static int
modboxchild_probe(device_t dev)
{
	if (modboxbus_get_number(dev) != 42)
		return (ENXIO);
	device_set_descf(dev, "Child number %d", modboxbus_get_number(dev));
	return (BUS_PROBE_DEFAULT);
}

static int
modboxchild_attach(device_t dev)
{
	struct modboxchild_softc *sc = device_get_softc(dev);
	struct sysctl_ctx_list *ctx = device_get_sysctl_ctx(dev);
	struct sysctl_oid_list *tree = SYSCTL_CHILDREN(device_get_sysctl_tree(dev));

	sc->dev = dev;
	sc->number = modboxbus_get_number(dev);
	mtx_init(&sc->lock, device_get_nameunit(dev), "modboxchild softc", MTX_DEF);
	callout_init_mtx(&sc->tick, &sc->lock, 0);
	SYSCTL_ADD_INT(ctx, tree, OID_AUTO, "ticks", CTLFLAG_RD, &sc->ticks, 0, "Ticks so far");
	SYSCTL_ADD_INT(ctx, tree, OID_AUTO, "number", CTLFLAG_RW, &sc->number, 0, "Number given by the bus");
	mtx_lock(&sc->lock);
	callout_reset(&sc->tick, hz / 10, modboxchild_tick, sc);
	mtx_unlock(&sc->lock);
	device_printf(dev, "attached, number %d\n", sc->number);
	return (0);
}

static int
modboxchild_detach(device_t dev)
{
	struct modboxchild_softc *sc = device_get_softc(dev);

	mtx_lock(&sc->lock);
	callout_stop(&sc->tick);
	mtx_unlock(&sc->lock);
	callout_drain(&sc->tick);
	mtx_destroy(&sc->lock);
	device_printf(dev, "detached\n");
	return (0);
}

static device_method_t modboxchild_methods[] = {
	DEVMETHOD(device_probe, modboxchild_probe),
	DEVMETHOD(device_attach, modboxchild_attach),
	DEVMETHOD(device_detach, modboxchild_detach),
	DEVMETHOD_END
};

static driver_t modboxchild_driver = { "modboxchild", modboxchild_methods, sizeof(struct modboxchild_softc) };

DRIVER_MODULE(modboxbus, nexus, modboxbus_driver, NULL, NULL);
DRIVER_MODULE(modboxchild, modboxbus, modboxchild_driver, NULL, NULL);
MODULE_VERSION(modboxbus, 1);
