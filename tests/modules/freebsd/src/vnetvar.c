/* SPDX-License-Identifier: Apache-2.0 */
/* A variable of each network stack, with what is done when a stack comes and goes; net.vnetvar is the current stack's. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <net/vnet.h>

VNET_DEFINE_STATIC(int, vnetvar_count) = 7;
#define	V_vnetvar_count	VNET(vnetvar_count)
VNET_DEFINE_STATIC(int, vnetvar_zero);
#define	V_vnetvar_zero	VNET(vnetvar_zero)

SYSCTL_INT(_net, OID_AUTO, vnetvar, CTLFLAG_RW | CTLFLAG_VNET, &VNET_NAME(vnetvar_count), 0, "A number of each stack");

static void
vnetvar_init(void *arg)
{
	V_vnetvar_count++;
	printf("vnetvar: a stack comes: %d %d\n", V_vnetvar_count, V_vnetvar_zero);
}
VNET_SYSINIT(vnetvar_init, SI_SUB_PROTO_DOMAIN, SI_ORDER_ANY, vnetvar_init, NULL);

static void
vnetvar_uninit(void *arg)
{
	printf("vnetvar: a stack goes: %d\n", V_vnetvar_count);
}
VNET_SYSUNINIT(vnetvar_uninit, SI_SUB_PROTO_DOMAIN, SI_ORDER_ANY, vnetvar_uninit, NULL);

static int
vnetvar_event(module_t mod, int what, void *arg)
{
	return (what == MOD_LOAD || what == MOD_UNLOAD ? 0 : EOPNOTSUPP);
}

static moduledata_t vnetvar_mod = { "vnetvar", vnetvar_event, NULL };

DECLARE_MODULE(vnetvar, vnetvar_mod, SI_SUB_PROTO_DOMAIN, SI_ORDER_FIRST);
