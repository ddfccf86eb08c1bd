/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bus with interrupt lines of its own: a child takes one with bus_alloc_resource_any and bus_setup_intr, the bus raises it by the
 * sysctl dev.mbirq.0.raise. Resources by rman(9), memory as well.
 */
#include <sys/param.h>
#include <sys/bus.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/rman.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <machine/bus.h>
#include <machine/resource.h>

struct mbirq_softc {
	struct rman lines;
	driver_filter_t *filter;
	driver_intr_t *handler;
	void *arg;
};

struct mbirqchild_softc {
	struct resource *irq;
	void *cookie;
	int count;
};

static void
mbirq_identify(driver_t *driver, device_t parent)
{
	if (device_find_child(parent, "mbirq", -1) == NULL)
		device_add_child(parent, "mbirq", 0);
}

static int
mbirq_probe(device_t dev)
{
	device_set_desc(dev, "Bus with interrupt lines");
	return (BUS_PROBE_NOWILDCARD);
}

static int
mbirq_raise(SYSCTL_HANDLER_ARGS)
{
	struct mbirq_softc *sc = arg1;
	int error, value = 0;

	error = sysctl_handle_int(oidp, &value, 0, req);
	if (error != 0 || req->newptr == NULL)
		return (error);
	if (sc->filter == NULL && sc->handler == NULL)
		return (ENXIO);
	if (sc->filter != NULL && sc->filter(sc->arg) == FILTER_STRAY)
		return (EIO);
	if (sc->handler != NULL)
		sc->handler(sc->arg);
	return (0);
}

static int
mbirq_attach(device_t dev)
{
	struct mbirq_softc *sc = device_get_softc(dev);
	int error;

	sc->lines.rm_type = RMAN_ARRAY;
	sc->lines.rm_descr = "mbirq lines";
	error = rman_init(&sc->lines);
	if (error == 0)
		error = rman_manage_region(&sc->lines, 8, 15);
	if (error != 0)
		return (error);
	SYSCTL_ADD_PROC(device_get_sysctl_ctx(dev), SYSCTL_CHILDREN(device_get_sysctl_tree(dev)), OID_AUTO, "raise",
	    CTLTYPE_INT | CTLFLAG_WR | CTLFLAG_MPSAFE, sc, 0, mbirq_raise, "I", "Raise the interrupt");
	if (device_add_child(dev, "mbirqchild", -1) == NULL)
		return (ENXIO);
	return (bus_generic_attach(dev));
}

static int
mbirq_detach(device_t dev)
{
	struct mbirq_softc *sc = device_get_softc(dev);
	int error;

	error = bus_generic_detach(dev);
	if (error == 0)
		error = device_delete_children(dev);
	if (error == 0)
		error = rman_fini(&sc->lines);
	return (error);
}

static struct resource *
mbirq_alloc_resource(device_t dev, device_t child, int type, int *rid, rman_res_t start, rman_res_t end, rman_res_t count,
    u_int flags)
{
	struct mbirq_softc *sc = device_get_softc(dev);
	struct resource *res;

	if (type != SYS_RES_IRQ)
		return (NULL);
	res = rman_reserve_resource(&sc->lines, start, end, count, flags, child);
	if (res != NULL)
		rman_set_rid(res, *rid);
	return (res);
}

static int
mbirq_release_resource(device_t dev, device_t child, int type, int rid, struct resource *res)
{
	return (rman_release_resource(res));
}

static int
mbirq_setup_intr(device_t dev, device_t child, struct resource *irq, int flags, driver_filter_t *filter, driver_intr_t *handler,
    void *arg, void **cookiep)
{
	struct mbirq_softc *sc = device_get_softc(dev);

	sc->filter = filter;
	sc->handler = handler;
	sc->arg = arg;
	*cookiep = sc;
	return (0);
}

static int
mbirq_teardown_intr(device_t dev, device_t child, struct resource *irq, void *cookie)
{
	struct mbirq_softc *sc = device_get_softc(dev);

	sc->filter = NULL;
	sc->handler = NULL;
	return (0);
}

static device_method_t mbirq_methods[] = {
	DEVMETHOD(device_identify, mbirq_identify),
	DEVMETHOD(device_probe, mbirq_probe),
	DEVMETHOD(device_attach, mbirq_attach),
	DEVMETHOD(device_detach, mbirq_detach),
	DEVMETHOD(bus_alloc_resource, mbirq_alloc_resource),
	DEVMETHOD(bus_release_resource, mbirq_release_resource),
	DEVMETHOD(bus_setup_intr, mbirq_setup_intr),
	DEVMETHOD(bus_teardown_intr, mbirq_teardown_intr),
	DEVMETHOD_END
};

static driver_t mbirq_driver = { "mbirq", mbirq_methods, sizeof(struct mbirq_softc) };

static int
mbirqchild_probe(device_t dev)
{
	device_set_desc(dev, "Child with an interrupt");
	return (BUS_PROBE_DEFAULT);
}

static void
mbirqchild_intr(void *arg)
{
	struct mbirqchild_softc *sc = arg;

	sc->count++;
}

static int
mbirqchild_attach(device_t dev)
{
	struct mbirqchild_softc *sc = device_get_softc(dev);
	int error, rid = 0;

	sc->irq = bus_alloc_resource(dev, SYS_RES_IRQ, &rid, 0, ~0, 1, RF_ACTIVE | RF_SHAREABLE);
	if (sc->irq == NULL)
		return (ENXIO);
	error = bus_setup_intr(dev, sc->irq, INTR_TYPE_MISC | INTR_MPSAFE, NULL, mbirqchild_intr, sc, &sc->cookie);
	if (error != 0) {
		bus_release_resource(dev, SYS_RES_IRQ, rid, sc->irq);
		return (error);
	}
	SYSCTL_ADD_INT(device_get_sysctl_ctx(dev), SYSCTL_CHILDREN(device_get_sysctl_tree(dev)), OID_AUTO, "count", CTLFLAG_RD,
	    &sc->count, 0, "Interrupts so far");
	device_printf(dev, "irq %ju\n", (uintmax_t)rman_get_start(sc->irq));
	return (0);
}

static int
mbirqchild_detach(device_t dev)
{
	struct mbirqchild_softc *sc = device_get_softc(dev);

	bus_teardown_intr(dev, sc->irq, sc->cookie);
	return (bus_release_resource(dev, SYS_RES_IRQ, 0, sc->irq));
}

static device_method_t mbirqchild_methods[] = {
	DEVMETHOD(device_probe, mbirqchild_probe),
	DEVMETHOD(device_attach, mbirqchild_attach),
	DEVMETHOD(device_detach, mbirqchild_detach),
	DEVMETHOD_END
};

static driver_t mbirqchild_driver = { "mbirqchild", mbirqchild_methods, sizeof(struct mbirqchild_softc) };

DRIVER_MODULE(mbirq, nexus, mbirq_driver, NULL, NULL);
DRIVER_MODULE(mbirqchild, mbirq, mbirqchild_driver, NULL, NULL);
