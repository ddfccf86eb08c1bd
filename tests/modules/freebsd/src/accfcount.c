/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An accept filter, count: a connection is there for accept(2) when as many bytes have come as the socket's argument says. The argument is
 * kept from accf_create to accf_destroy.
 */
#define	ACCEPT_FILTER_MOD
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/mbuf.h>
#include <sys/socket.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

static MALLOC_DEFINE(M_ACCFCOUNT, "accfcount", "arguments of accept filter count");

static int
accfcount_upcall(struct socket *so, void *arg, int waitflag)
{
	return (sbavail(&so->so_rcv) < *(int *)arg ? SU_OK : SU_ISCONNECTED);
}

static void *
accfcount_create(struct socket *so, char *arg)
{
	int *count;

	if (strtol(arg, NULL, 10) <= 0)
		return (NULL);
	count = malloc(sizeof(*count), M_ACCFCOUNT, M_NOWAIT);
	if (count != NULL)
		*count = strtol(arg, NULL, 10);
	return (count);
}

static void
accfcount_destroy(struct socket *so)
{
	free(so->sol_accept_filter_arg, M_ACCFCOUNT);
}

ACCEPT_FILTER_DEFINE(accfcount, "count", accfcount_upcall, accfcount_create, accfcount_destroy, 1);
