/* SPDX-License-Identifier: Apache-2.0 */
/* Registers a GEOM class, and leaves it, a geom of it and the geom's provider behind. */
#include <sys/param.h>
#include <sys/bio.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <geom/geom.h>

static void
leakgeom_start(struct bio *bp)
{
	g_io_deliver(bp, EIO);
}

static struct g_class leakgeom_class = {
	.name = "LEAKGEOM",
	.version = G_VERSION,
	.start = leakgeom_start,
	.access = g_std_access,
};

static int
leakgeom_event(module_t mod, int what, void *arg)
{
	struct g_geom *gp;
	struct g_provider *pp;
	int error;

	if (what == MOD_UNLOAD)
		return (0);
	error = g_modevent(mod, what, &leakgeom_class);
	if (error != 0 || what != MOD_LOAD)
		return (error);
	g_topology_lock();
	gp = g_new_geomf(&leakgeom_class, "leakgeom");
	pp = g_new_providerf(gp, "leakgeom");
	pp->mediasize = 1024;
	pp->sectorsize = 512;
	g_error_provider(pp, 0);
	g_topology_unlock();
	return (0);
}

DEV_MODULE(leakgeom, leakgeom_event, NULL);
MODULE_VERSION(leakgeom, 1);
