/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GEOM class, MBXOR: over a provider whose last sector begins with "MBXOR" stands NAME.xor, one sector shorter, with every byte changed on
 * its way. What is written to the provider itself spoils it. Requests of geom(8): key (of all: int value), destroy (arg0).
 */
#include <sys/param.h>
#include <sys/bio.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/sbuf.h>
#include <sys/systm.h>
#include <geom/geom.h>

static u_char geomxor_key = 0x20;

static g_taste_t geomxor_taste;
static g_ctl_req_t geomxor_request;
static g_ctl_destroy_geom_t geomxor_destroy;

static struct g_class geomxor_class = {
	.name = "MBXOR",
	.version = G_VERSION,
	.taste = geomxor_taste,
	.ctlreq = geomxor_request,
	.destroy_geom = geomxor_destroy,
};

static void
geomxor_change(caddr_t data, off_t length)
{
	off_t i;

	for (i = 0; i < length; i++)
		data[i] ^= geomxor_key;
}

static void
geomxor_read(struct bio *bp)
{
	if (bp->bio_error == 0)
		geomxor_change(bp->bio_data, bp->bio_completed);
	g_std_done(bp);
}

static void
geomxor_wrote(struct bio *bp)
{
	g_free(bp->bio_data);
	g_std_done(bp);
}

static void
geomxor_start(struct bio *bp)
{
	struct g_consumer *cp = LIST_FIRST(&bp->bio_to->geom->consumer);
	struct bio *clone = g_clone_bio(bp);

	if (clone == NULL) {
		g_io_deliver(bp, ENOMEM);
		return;
	}
	clone->bio_done = g_std_done;
	if (bp->bio_cmd == BIO_READ)
		clone->bio_done = geomxor_read;
	if (bp->bio_cmd == BIO_WRITE) {
		clone->bio_data = g_malloc(bp->bio_length, M_NOWAIT);
		if (clone->bio_data == NULL) {
			g_destroy_bio(clone);
			g_io_deliver(bp, ENOMEM);
			return;
		}
		memcpy(clone->bio_data, bp->bio_data, bp->bio_length);
		geomxor_change(clone->bio_data, bp->bio_length);
		clone->bio_done = geomxor_wrote;
	}
	g_io_request(clone, cp);
}

/* Who is open takes the provider for itself, so that nobody spoils it meanwhile. */
static int
geomxor_access(struct g_provider *pp, int dr, int dw, int de)
{
	struct g_consumer *cp = LIST_FIRST(&pp->geom->consumer);

	if (cp == NULL)
		return (dr <= 0 && dw <= 0 && de <= 0 ? 0 : ENXIO);
	de += dr;
	return (g_access(cp, dr, dw, de));
}

static void
geomxor_orphan(struct g_consumer *cp)
{
	g_wither_geom(cp->geom, ENXIO);
}

static void
geomxor_dumpconf(struct sbuf *sb, const char *indent, struct g_geom *gp, struct g_consumer *cp, struct g_provider *pp)
{
	if (indent != NULL && cp == NULL && pp == NULL)
		sbuf_printf(sb, "%s<Key>%u</Key>\n", indent, geomxor_key);
}

static struct g_geom *
geomxor_taste(struct g_class *mp, struct g_provider *pp, int flags)
{
	struct g_geom *gp;
	struct g_consumer *cp;
	struct g_provider *own;
	u_char *sector = NULL;
	off_t last;
	bool ours;

	g_topology_assert();
	if (pp->sectorsize == 0 || pp->mediasize < 2 * pp->sectorsize || pp->geom->class == mp)
		return (NULL);
	last = pp->mediasize - pp->sectorsize;
	gp = g_new_geomf(mp, "%s.xor", pp->name);
	gp->start = geomxor_start;
	gp->access = geomxor_access;
	gp->orphan = geomxor_orphan;
	gp->spoiled = g_std_spoiled;
	gp->dumpconf = geomxor_dumpconf;
	cp = g_new_consumer(gp);
	if (g_attach(cp, pp) == 0) {
		if (g_access(cp, 1, 0, 0) == 0) {
			g_topology_unlock();
			sector = g_read_data(cp, last, pp->sectorsize, NULL);
			g_topology_lock();
			g_access(cp, -1, 0, 0);
		}
		ours = sector != NULL && memcmp(sector, "MBXOR", 5) == 0;
		if (sector != NULL)
			g_free(sector);
		if (ours) {
			own = g_new_providerf(gp, "%s", gp->name);
			own->mediasize = last;
			own->sectorsize = pp->sectorsize;
			g_error_provider(own, 0);
			printf("geomxor: %s over %s\n", gp->name, pp->name);
			return (gp);
		}
		g_detach(cp);
	}
	g_destroy_consumer(cp);
	g_destroy_geom(gp);
	return (NULL);
}

static int
geomxor_destroy(struct gctl_req *req, struct g_class *mp, struct g_geom *gp)
{
	struct g_provider *pp = LIST_FIRST(&gp->provider);

	g_topology_assert();
	if (pp != NULL && (pp->acr != 0 || pp->acw != 0))
		return (EBUSY);
	g_wither_geom(gp, ENXIO);
	return (0);
}

static void
geomxor_request(struct gctl_req *req, struct g_class *mp, const char *verb)
{
	struct g_geom *gp;
	const char *name;
	int *value;

	g_topology_assert();
	if (strcmp(verb, "key") == 0) {
		value = gctl_get_paraml(req, "value", sizeof(*value));
		if (value == NULL)
			return;
		if (*value < 0 || *value > 255)
			gctl_error(req, "Invalid key: %d.", *value);
		else
			geomxor_key = *value;
	} else if (strcmp(verb, "destroy") == 0) {
		name = gctl_get_asciiparam(req, "arg0");
		if (name == NULL) {
			gctl_error(req, "No '%s' argument.", "arg0");
			return;
		}
		LIST_FOREACH(gp, &mp->geom, geom)
			if (strcmp(gp->name, name) == 0)
				break;
		if (gp == NULL)
			gctl_error(req, "No such geom: %s.", name);
		else if (geomxor_destroy(req, mp, gp) != 0)
			gctl_error(req, "%s is open.", name);
	} else
		gctl_error(req, "Unknown verb.");
}

DECLARE_GEOM_CLASS(geomxor_class, g_mbxor);
MODULE_VERSION(geomxor, 1);
