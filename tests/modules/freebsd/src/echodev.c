/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/echo gives back what was written last. read, write, ioctl (FIONREAD, and ECHODEV_CLEAR), poll and kqueue; the sysctl node
 * kern.echodev, and the tunable kern.echodev.size for how much it keeps.
 */
#include <sys/param.h>
#include <sys/conf.h>
#include <sys/event.h>
#include <sys/fcntl.h>
#include <sys/filio.h>
#include <sys/ioccom.h>
#include <sys/kernel.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/mutex.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/selinfo.h>
#include <sys/sx.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/uio.h>

#define	ECHODEV_CLEAR	_IO('E', 1)

static MALLOC_DEFINE(M_ECHODEV, "echodev", "What /dev/echo keeps");

static SYSCTL_NODE(_kern, OID_AUTO, echodev, CTLFLAG_RW | CTLFLAG_MPSAFE, 0, "The echo device");
static u_int echo_size = 256;
SYSCTL_UINT(_kern_echodev, OID_AUTO, size, CTLFLAG_RDTUN, &echo_size, 0, "Bytes that are kept");
static u_int echo_writes;
SYSCTL_UINT(_kern_echodev, OID_AUTO, writes, CTLFLAG_RD, &echo_writes, 0, "Writes so far");
static char echo_greeting[32] = "none";
SYSCTL_STRING(_kern_echodev, OID_AUTO, greeting, CTLFLAG_RW, echo_greeting, sizeof(echo_greeting), "A text to keep");

static struct cdev *echo_dev;
static struct sx echo_lock;
static struct mtx echo_note_lock;
static char *echo_text;
static size_t echo_length;
static int echo_open_count;
static struct selinfo echo_readers;

static int
echo_open(struct cdev *dev, int flags, int type, struct thread *td)
{
	sx_xlock(&echo_lock);
	echo_open_count++;
	sx_xunlock(&echo_lock);
	return (0);
}

static int
echo_close(struct cdev *dev, int flags, int type, struct thread *td)
{
	sx_xlock(&echo_lock);
	echo_open_count = 0;
	sx_xunlock(&echo_lock);
	return (0);
}

static int
echo_read(struct cdev *dev, struct uio *uio, int ioflag)
{
	size_t amount;
	int error;

	sx_slock(&echo_lock);
	amount = uio->uio_offset >= echo_length ? 0 : echo_length - uio->uio_offset;
	error = uiomove(echo_text + uio->uio_offset, MIN(amount, uio->uio_resid), uio);
	sx_sunlock(&echo_lock);
	return (error);
}

static int
echo_write(struct cdev *dev, struct uio *uio, int ioflag)
{
	size_t amount;
	int error;

	if (uio->uio_resid > echo_size)
		return (EFBIG);
	sx_xlock(&echo_lock);
	amount = uio->uio_resid;
	error = uiomove(echo_text, amount, uio);
	if (error == 0) {
		echo_length = amount;
		echo_writes++;
	}
	sx_xunlock(&echo_lock);
	if (error == 0) {
		selwakeup(&echo_readers);
		KNOTE_UNLOCKED(&echo_readers.si_note, 0);
	}
	return (error);
}

static int
echo_ioctl(struct cdev *dev, u_long command, caddr_t data, int flags, struct thread *td)
{
	switch (command) {
	case FIONREAD:
		*(int *)data = echo_length;
		return (0);
	case ECHODEV_CLEAR:
		if ((flags & FWRITE) == 0)
			return (EBADF);
		sx_xlock(&echo_lock);
		echo_length = 0;
		sx_xunlock(&echo_lock);
		return (0);
	default:
		return (ENOTTY);
	}
}

static int
echo_poll(struct cdev *dev, int events, struct thread *td)
{
	int ready = events & (POLLOUT | POLLWRNORM);

	if ((events & (POLLIN | POLLRDNORM)) != 0) {
		if (echo_length > 0)
			ready |= events & (POLLIN | POLLRDNORM);
		else
			selrecord(td, &echo_readers);
	}
	return (ready);
}

static void
echo_kqdetach(struct knote *kn)
{
	knlist_remove(&echo_readers.si_note, kn, 0);
}

static int
echo_kqread(struct knote *kn, long hint)
{
	kn->kn_data = echo_length;
	return (kn->kn_data > 0);
}

static struct filterops echo_filter = {
	.f_isfd = 1,
	.f_detach = echo_kqdetach,
	.f_event = echo_kqread,
};

static int
echo_kqfilter(struct cdev *dev, struct knote *kn)
{
	if (kn->kn_filter != EVFILT_READ)
		return (EINVAL);
	kn->kn_fop = &echo_filter;
	knlist_add(&echo_readers.si_note, kn, 0);
	return (0);
}

static struct cdevsw echo_cdevsw = {
	.d_version = D_VERSION,
	.d_name = "echo",
	.d_open = echo_open,
	.d_close = echo_close,
	.d_read = echo_read,
	.d_write = echo_write,
	.d_ioctl = echo_ioctl,
	.d_poll = echo_poll,
	.d_kqfilter = echo_kqfilter,
};

static int
echo_event(module_t mod, int what, void *arg)
{
	struct make_dev_args args;
	int error;

	switch (what) {
	case MOD_LOAD:
		sx_init(&echo_lock, "echodev");
		mtx_init(&echo_note_lock, "echodev notes", NULL, MTX_DEF);
		knlist_init_mtx(&echo_readers.si_note, &echo_note_lock);
		echo_text = malloc(echo_size, M_ECHODEV, M_WAITOK | M_ZERO);
		make_dev_args_init(&args);
		args.mda_devsw = &echo_cdevsw;
		args.mda_uid = UID_ROOT;
		args.mda_gid = GID_WHEEL;
		args.mda_mode = 0600;
		args.mda_flags = MAKEDEV_CHECKNAME | MAKEDEV_WAITOK;
		error = make_dev_s(&args, &echo_dev, "echo");
		if (error != 0) {
			free(echo_text, M_ECHODEV);
			knlist_destroy(&echo_readers.si_note);
			mtx_destroy(&echo_note_lock);
			sx_destroy(&echo_lock);
			return (error);
		}
		printf("Echo device loaded.\n");
		return (0);
	case MOD_UNLOAD:
		destroy_dev(echo_dev);
		seldrain(&echo_readers);
		knlist_destroy(&echo_readers.si_note);
		free(echo_text, M_ECHODEV);
		mtx_destroy(&echo_note_lock);
		sx_destroy(&echo_lock);
		printf("Echo device unloaded.\n");
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

DEV_MODULE(echodev, echo_event, NULL);
MODULE_VERSION(echodev, 1);
