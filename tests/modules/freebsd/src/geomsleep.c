/* SPDX-License-Identifier: Apache-2.0 */
/* A GEOM class that sleeps where GEOM's thread g_down starts its requests, and changes the topology without its lock. */
#include <sys/param.h>
#include <sys/bio.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <geom/geom.h>

static void
geomsleep_start(struct bio *bp)
{
	pause("gsleep", 1);
	if (bp->bio_cmd != BIO_READ) {
		g_io_deliver(bp, EOPNOTSUPP);
		return;
	}
	memset(bp->bio_data, 'z', bp->bio_length);
	bp->bio_completed = bp->bio_length;
	g_io_deliver(bp, 0);
}

static void
geomsleep_init(struct g_class *mp)
{
	struct g_geom *gp = g_new_geomf(mp, "geomsleep");
	struct g_provider *pp = g_new_providerf(gp, "geomsleep");

	pp->mediasize = 4096;
	pp->sectorsize = 512;
	g_error_provider(pp, 0);
}

static int
geomsleep_destroy(struct gctl_req *req, struct g_class *mp, struct g_geom *gp)
{
	g_topology_unlock();
	g_wither_geom(gp, ENXIO);
	g_topology_lock();
	return (0);
}

static struct g_class geomsleep_class = {
	.name = "GEOMSLEEP",
	.version = G_VERSION,
	.init = geomsleep_init,
	.start = geomsleep_start,
	.access = g_std_access,
	.destroy_geom = geomsleep_destroy,
};

DECLARE_GEOM_CLASS(geomsleep_class, g_geomsleep);
MODULE_VERSION(geomsleep, 1);
