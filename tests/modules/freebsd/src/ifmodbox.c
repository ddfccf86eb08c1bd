/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces that `ifconfig mbx0 create` makes: what is sent is counted and comes back in, as from the wire. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/mbuf.h>
#include <sys/module.h>
#include <sys/socket.h>
#include <sys/sockio.h>
#include <sys/systm.h>
#include <net/bpf.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_clone.h>
#include <net/if_types.h>
#include <net/if_var.h>

static MALLOC_DEFINE(M_IFMODBOX, "ifmodbox", "Interfaces mbx");
static const char ifmodbox_name[] = "mbx";
static struct if_clone *ifmodbox_cloner;

struct ifmodbox_softc {
	if_t ifp;
};

static int
ifmodbox_transmit(if_t ifp, struct mbuf *m)
{
	if_inc_counter(ifp, IFCOUNTER_OPACKETS, 1);
	if_inc_counter(ifp, IFCOUNTER_OBYTES, m->m_pkthdr.len);
	if ((if_getdrvflags(ifp) & IFF_DRV_RUNNING) == 0) {
		m_freem(m);
		return (ENETDOWN);
	}
	m->m_pkthdr.rcvif = ifp;
	if_inc_counter(ifp, IFCOUNTER_IPACKETS, 1);
	if_input(ifp, m);
	return (0);
}

static void
ifmodbox_qflush(if_t ifp)
{
}

static void
ifmodbox_init(void *arg)
{
	struct ifmodbox_softc *sc = arg;

	if_setdrvflagbits(sc->ifp, IFF_DRV_RUNNING, 0);
}

static int
ifmodbox_ioctl(if_t ifp, u_long command, caddr_t data)
{
	struct ifreq *ifr = (struct ifreq *)data;

	switch (command) {
	case SIOCSIFFLAGS:
		if ((if_getflags(ifp) & IFF_UP) != 0)
			if_setdrvflagbits(ifp, IFF_DRV_RUNNING, 0);
		else
			if_setdrvflagbits(ifp, 0, IFF_DRV_RUNNING);
		return (0);
	case SIOCSIFMTU:
		if (ifr->ifr_mtu < 72 || ifr->ifr_mtu > ETHERMTU_JUMBO)
			return (EINVAL);
		if_setmtu(ifp, ifr->ifr_mtu);
		return (0);
	default:
		return (ether_ioctl(ifp, command, data));
	}
}

static int
ifmodbox_create(struct if_clone *ifc, char *name, size_t length, struct ifc_data *ifd, if_t *ifpp)
{
	static const uint8_t address[ETHER_ADDR_LEN] = { 0x02, 0x6d, 0x62, 0x78, 0, 0 };
	uint8_t own[ETHER_ADDR_LEN];
	struct ifmodbox_softc *sc = malloc(sizeof(*sc), M_IFMODBOX, M_WAITOK | M_ZERO);

	sc->ifp = if_alloc(IFT_ETHER);
	if_setsoftc(sc->ifp, sc);
	if_initname(sc->ifp, ifmodbox_name, ifd->unit);
	if_setflags(sc->ifp, IFF_BROADCAST | IFF_SIMPLEX | IFF_MULTICAST);
	if_setinitfn(sc->ifp, ifmodbox_init);
	if_setioctlfn(sc->ifp, ifmodbox_ioctl);
	if_settransmitfn(sc->ifp, ifmodbox_transmit);
	if_setqflushfn(sc->ifp, ifmodbox_qflush);
	memcpy(own, address, sizeof(own));
	own[5] = ifd->unit;
	ether_ifattach(sc->ifp, own);
	*ifpp = sc->ifp;
	return (0);
}

static int
ifmodbox_destroy(struct if_clone *ifc, if_t ifp, uint32_t flags)
{
	struct ifmodbox_softc *sc = if_getsoftc(ifp);

	ether_ifdetach(ifp);
	if_free(ifp);
	free(sc, M_IFMODBOX);
	return (0);
}

static int
ifmodbox_event(module_t mod, int what, void *arg)
{
	struct if_clone_addreq req = {
		.create_f = ifmodbox_create,
		.destroy_f = ifmodbox_destroy,
		.flags = IFC_F_AUTOUNIT,
	};

	switch (what) {
	case MOD_LOAD:
		ifmodbox_cloner = ifc_attach_cloner(ifmodbox_name, &req);
		return (0);
	case MOD_UNLOAD:
		ifc_detach_cloner(ifmodbox_cloner);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t ifmodbox_mod = { "ifmodbox", ifmodbox_event, NULL };

DECLARE_MODULE(ifmodbox, ifmodbox_mod, SI_SUB_PSEUDO, SI_ORDER_ANY);
MODULE_DEPEND(ifmodbox, ether, 1, 1, 1);
