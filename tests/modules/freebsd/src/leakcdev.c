/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves a device in /dev behind: whoever opens it then runs code that is gone. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/conf.h>

static struct cdevsw leakcdev_cdevsw = {
	.d_version = D_VERSION,
	.d_name = "leakcdev",
};
static int
leakcdev_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		make_dev(&leakcdev_cdevsw, 0, UID_ROOT, GID_WHEEL, 0600, "leakcdev");
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t leakcdev_mod = { "leakcdev", leakcdev_event, NULL };

DECLARE_MODULE(leakcdev, leakcdev_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(leakcdev, 1);
