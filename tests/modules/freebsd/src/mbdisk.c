/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk(9): mbdisk0 keeps its sectors in memory (hw.mbdisk.sectors of them). Requests are at most 4 KiB, so that GEOM splits larger ones;
 * hw.mbdisk.requests counts them. BIO_DELETE and BIO_FLUSH, GEOM::ident, an alias, write protection (hw.mbdisk.readonly).
 */
#include <sys/param.h>
#include <sys/bio.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <geom/geom_disk.h>

#define	MBDISK_SECTOR	512

static MALLOC_DEFINE(M_MBDISK, "mbdisk", "Sectors of mbdisk");

static SYSCTL_NODE(_hw, OID_AUTO, mbdisk, CTLFLAG_RD | CTLFLAG_MPSAFE, 0, "A disk in memory");
static u_int mbdisk_sectors = 128;
SYSCTL_UINT(_hw_mbdisk, OID_AUTO, sectors, CTLFLAG_RDTUN, &mbdisk_sectors, 0, "Sectors");
static u_int mbdisk_readonly;
SYSCTL_UINT(_hw_mbdisk, OID_AUTO, readonly, CTLFLAG_RDTUN, &mbdisk_readonly, 0, "May not be written to");
static u_int mbdisk_requests;
SYSCTL_UINT(_hw_mbdisk, OID_AUTO, requests, CTLFLAG_RD, &mbdisk_requests, 0, "Requests so far");
static u_int mbdisk_opens;
SYSCTL_UINT(_hw_mbdisk, OID_AUTO, opens, CTLFLAG_RD, &mbdisk_opens, 0, "First opens so far");

static struct disk *mbdisk;
static char *mbdisk_data;

static int
mbdisk_open(struct disk *dp)
{
	mbdisk_opens++;
	return (0);
}

static void
mbdisk_strategy(struct bio *bp)
{
	char *at = mbdisk_data + bp->bio_offset;

	mbdisk_requests++;
	bp->bio_resid = 0;
	switch (bp->bio_cmd) {
	case BIO_READ:
		memcpy(bp->bio_data, at, bp->bio_bcount);
		break;
	case BIO_WRITE:
		memcpy(at, bp->bio_data, bp->bio_bcount);
		break;
	case BIO_DELETE:
		memset(at, 0, bp->bio_bcount);
		break;
	case BIO_FLUSH:
		break;
	default:
		biofinish(bp, NULL, EOPNOTSUPP);
		return;
	}
	biodone(bp);
}

static int
mbdisk_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mbdisk_data = malloc(mbdisk_sectors * MBDISK_SECTOR, M_MBDISK, M_WAITOK | M_ZERO);
		mbdisk = disk_alloc();
		mbdisk->d_name = "mbdisk";
		mbdisk->d_unit = 0;
		mbdisk->d_open = mbdisk_open;
		mbdisk->d_strategy = mbdisk_strategy;
		mbdisk->d_sectorsize = MBDISK_SECTOR;
		mbdisk->d_mediasize = mbdisk_sectors * MBDISK_SECTOR;
		mbdisk->d_maxsize = 4096;
		mbdisk->d_fwsectors = 16;
		mbdisk->d_fwheads = 2;
		mbdisk->d_flags = DISKFLAG_CANDELETE | DISKFLAG_CANFLUSHCACHE;
		if (mbdisk_readonly)
			mbdisk->d_flags |= DISKFLAG_WRITE_PROTECT;
		strlcpy(mbdisk->d_ident, "MB\t0001", sizeof(mbdisk->d_ident));
		strlcpy(mbdisk->d_descr, "modbox disk", sizeof(mbdisk->d_descr));
		disk_add_alias(mbdisk, "mbd");
		disk_create(mbdisk, DISK_VERSION);
		return (0);
	case MOD_UNLOAD:
		disk_destroy(mbdisk);
		free(mbdisk_data, M_MBDISK);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

DEV_MODULE(mbdisk, mbdisk_event, NULL);
MODULE_VERSION(mbdisk, 1);
