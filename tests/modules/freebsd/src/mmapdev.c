/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/mmapdev0 and /dev/mmapdev1: a page of the kernel's that programs map, private data of each open (devfs_set_cdevpriv), clone of names. */
#include <sys/param.h>
#include <sys/conf.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <vm/vm.h>
#include <vm/pmap.h>

static MALLOC_DEFINE(M_MMAPDEV, "mmapdev", "Pages that programs map");

static struct cdev *mmapdev_devs[2];
static char *mmapdev_page;

struct mmapdev_open {
	int number;
};
static int mmapdev_opens;

static void
mmapdev_closed(void *data)
{
	struct mmapdev_open *open = data;

	printf("mmapdev: open %d ends\n", open->number);
	free(open, M_MMAPDEV);
}

static int
mmapdev_open(struct cdev *dev, int flags, int type, struct thread *td)
{
	struct mmapdev_open *open = malloc(sizeof(*open), M_MMAPDEV, M_WAITOK | M_ZERO);

	open->number = ++mmapdev_opens;
	return (devfs_set_cdevpriv(open, mmapdev_closed));
}

static int
mmapdev_read(struct cdev *dev, struct uio *uio, int ioflag)
{
	struct mmapdev_open *open;
	char text[48];
	int error, length;

	error = devfs_get_cdevpriv((void **)&open);
	if (error != 0)
		return (error);
	length = snprintf(text, sizeof(text), "unit %d open %d page %.8s\n", dev2unit(dev), open->number, mmapdev_page);
	if (uio->uio_offset >= length)
		return (0);
	return (uiomove(text + uio->uio_offset, MIN(length - uio->uio_offset, uio->uio_resid), uio));
}

static int
mmapdev_mmap(struct cdev *dev, vm_ooffset_t offset, vm_paddr_t *paddr, int nprot, vm_memattr_t *memattr)
{
	if (offset >= PAGE_SIZE)
		return (EINVAL);
	*paddr = vtophys(mmapdev_page + offset);
	return (0);
}

static struct cdevsw mmapdev_cdevsw = {
	.d_version = D_VERSION,
	.d_name = "mmapdev",
	.d_open = mmapdev_open,
	.d_read = mmapdev_read,
	.d_mmap = mmapdev_mmap,
};

static int
mmapdev_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mmapdev_page = malloc(PAGE_SIZE, M_MMAPDEV, M_WAITOK | M_ZERO);
		strlcpy(mmapdev_page, "modbox", PAGE_SIZE);
		for (int i = 0; i < 2; i++)
			mmapdev_devs[i] = make_dev(&mmapdev_cdevsw, i, UID_ROOT, GID_WHEEL, 0600, "mmapdev%d", i);
		make_dev_alias(mmapdev_devs[0], "mmapdev");
		return (0);
	case MOD_UNLOAD:
		for (int i = 0; i < 2; i++)
			destroy_dev(mmapdev_devs[i]);
		free(mmapdev_page, M_MMAPDEV);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

DEV_MODULE(mmapdev, mmapdev_event, NULL);
