/* SPDX-License-Identifier: Apache-2.0 */
/* An accept filter, modbox: a connection is there for accept(2) when three bytes have come. */
#define	ACCEPT_FILTER_MOD
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/mbuf.h>
#include <sys/socket.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

static int
accfmodbox_upcall(struct socket *so, void *arg, int waitflag)
{
	return (sbavail(&so->so_rcv) < 3 ? SU_OK : SU_ISCONNECTED);
}

ACCEPT_FILTER_DEFINE(accfmodbox, "modbox", accfmodbox_upcall, NULL, NULL, 1);
