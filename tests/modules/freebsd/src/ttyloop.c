/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals that are made when they are looked up: what is written to one comes back as if somebody had typed it. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/systm.h>
#include <sys/module.h>
#include <sys/conf.h>
#include <sys/eventhandler.h>
#include <sys/libkern.h>
#include <sys/malloc.h>
#include <sys/serial.h>
#include <sys/tty.h>

static MALLOC_DEFINE(M_TTYLOOP, "ttyloop", "terminals that answer themselves");

struct loop {
	int	unit;
	int	carrier;
};

static eventhandler_tag clone_tag;
static u_int terminals;

static int
loop_open(struct tty *tp)
{

	printf("ttyloop: %d opened\n", ((struct loop *)tty_softc(tp))->unit);
	return (0);
}

static void
loop_close(struct tty *tp)
{

	printf("ttyloop: %d closed\n", ((struct loop *)tty_softc(tp))->unit);
	tty_rel_gone(tp);
	tty_lock(tp);
}

static void
loop_outwakeup(struct tty *tp)
{
	char text[64];
	size_t len;

	while ((len = ttydisc_getc(tp, text, sizeof(text))) > 0) {
		for (size_t i = 0; i < len; i++)
			ttydisc_rint(tp, text[i], 0);
		/* ^] is where the line breaks. */
		if (text[len - 1] == 0x1d) {
			((struct loop *)tty_softc(tp))->carrier = 0;
			ttydisc_modem(tp, 0);
			return;
		}
	}
	if (ttydisc_rint_poll(tp) > 0)
		ttydisc_rint_done(tp);
}

static int
loop_modem(struct tty *tp, int on, int off)
{
	struct loop *loop = tty_softc(tp);

	if (on & SER_DTR)
		loop->carrier = 1;
	return (loop->carrier ? SER_DCD : 0);
}

static int
loop_param(struct tty *tp, struct termios *t)
{

	return (t->c_ospeed == 50 ? EINVAL : 0);
}

static void
loop_free(void *softc)
{

	free(softc, M_TTYLOOP);
	atomic_subtract_int(&terminals, 1);
}

static struct ttydevsw loop_class = {
	.tsw_flags = TF_NOPREFIX,
	.tsw_open = loop_open,
	.tsw_close = loop_close,
	.tsw_outwakeup = loop_outwakeup,
	.tsw_modem = loop_modem,
	.tsw_param = loop_param,
	.tsw_free = loop_free,
};

static void
loop_clone(void *arg, struct ucred *cred, char *name, int len, struct cdev **dev)
{
	struct loop *loop;
	struct tty *tp;
	char *end;
	u_long unit;

	if (*dev != NULL || strncmp(name, "ttyloop", 7) != 0)
		return;
	unit = strtoul(name + 7, &end, 10);
	if (end == name + 7 || *end != '\0')
		return;
	loop = malloc(sizeof(*loop), M_TTYLOOP, M_WAITOK | M_ZERO);
	loop->unit = (int)unit;
	atomic_add_int(&terminals, 1);
	tp = tty_alloc(&loop_class, loop);
	tty_makedev(tp, NULL, "ttyloop%lu", unit);
	*dev = tp->t_dev;
	dev_ref(*dev);
}

static int
ttyloop_modevent(module_t mod, int type, void *data)
{

	switch (type) {
	case MOD_LOAD:
		clone_tag = EVENTHANDLER_REGISTER(dev_clone, loop_clone, NULL, 1000);
		return (clone_tag == NULL ? ENOMEM : 0);
	case MOD_QUIESCE:
	case MOD_UNLOAD:
		if (terminals != 0)
			return (EBUSY);
		if (type == MOD_UNLOAD)
			EVENTHANDLER_DEREGISTER(dev_clone, clone_tag);
		return (0);
	case MOD_SHUTDOWN:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

DEV_MODULE(ttyloop, ttyloop_modevent, NULL);
MODULE_VERSION(ttyloop, 1);
