/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves an interface attached. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/socket.h>
#include <net/if.h>
#include <net/if_var.h>
#include <net/if_types.h>

static int
leakif_transmit(if_t ifp, struct mbuf *m)
{
	return (ENOBUFS);
}

static void
leakif_qflush(if_t ifp)
{
}
static int
leakif_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
	{
		if_t ifp = if_alloc(IFT_LOOP);

		if_initname(ifp, "leakif", 0);
		if_settransmitfn(ifp, leakif_transmit);
		if_setqflushfn(ifp, leakif_qflush);
		if_attach(ifp);
		return (0);
	}
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t leakif_mod = { "leakif", leakif_event, NULL };

DECLARE_MODULE(leakif, leakif_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(leakif, 1);
