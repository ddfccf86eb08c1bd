/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/peerdev: what one process writes another takes. Memory of other processes (pfind, PHOLD, proc_rwmem), a write that waits until it
 * was taken (cv_wait_sig), poll, private data of each open, and a device that is made and taken away on demand.
 */
#include <sys/param.h>
#include <sys/condvar.h>
#include <sys/conf.h>
#include <sys/ioccom.h>
#include <sys/kernel.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/mutex.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/selinfo.h>
#include <sys/systm.h>
#include <sys/uio.h>

struct peerdev_copy {
	int pid;
	int out;
	uint64_t theirs;
	uint64_t ours;
	uint64_t length;
};
#define	PEERDEV_COPY	_IOW('P', 1, struct peerdev_copy)
#define	PEERDEV_TAKE	_IOW('P', 2, struct peerdev_copy)
#define	PEERDEV_MAKE	_IO('P', 3)
#define	PEERDEV_REMOVE	_IO('P', 4)

static MALLOC_DEFINE(M_PEERDEV, "peerdev", "Opens of peerdev");

static struct cdev *peerdev_dev, *peerdev_other;
static struct mtx peerdev_mtx;
static struct cv peerdev_cv;
static struct selinfo peerdev_selinfo;
static struct proc *peerdev_writer;
static uint64_t peerdev_data, peerdev_length;
static int peerdev_number;

static void
peerdev_closed(void *data)
{

	printf("peerdev: open %d ends\n", *(int *)data);
	free(data, M_PEERDEV);
}

static int
peerdev_open(struct cdev *dev, int flags, int type, struct thread *td)
{
	int *number = malloc(sizeof(*number), M_PEERDEV, M_WAITOK);

	*number = ++peerdev_number;
	return (devfs_set_cdevpriv(number, peerdev_closed));
}

static int
peerdev_rw(struct proc *p, uint64_t theirs, uint64_t ours, uint64_t length, enum uio_rw rw)
{
	struct iovec iov = { (void *)ours, length };
	struct uio uio = {
		.uio_iov = &iov,
		.uio_iovcnt = 1,
		.uio_offset = theirs,
		.uio_resid = length,
		.uio_segflg = UIO_USERSPACE,
		.uio_rw = rw,
		.uio_td = curthread,
	};

	return (proc_rwmem(p, &uio));
}

static int
peerdev_copy(struct peerdev_copy *copy)
{
	struct proc *p = pfind(copy->pid);
	int error;

	if (p == NULL)
		return (ESRCH);
	error = p_candebug(curthread, p);
	if (error == 0)
		_PHOLD(p);
	PROC_UNLOCK(p);
	if (error != 0)
		return (error);
	error = peerdev_rw(p, copy->theirs, copy->ours, copy->length, copy->out ? UIO_WRITE : UIO_READ);
	PRELE(p);
	return (error);
}

/* What the writer waits with, into the memory of who asks. */
static int
peerdev_take(struct peerdev_copy *copy)
{
	struct proc *p;
	uint64_t length;
	int error;

	mtx_lock(&peerdev_mtx);
	p = peerdev_writer;
	length = MIN(copy->length, peerdev_length);
	mtx_unlock(&peerdev_mtx);
	if (p == NULL)
		return (EAGAIN);
	PHOLD(p);
	error = peerdev_rw(p, peerdev_data, copy->ours, length, UIO_READ);
	PRELE(p);
	mtx_lock(&peerdev_mtx);
	if (error == 0)
		peerdev_length -= length;
	if (peerdev_length == 0)
		peerdev_writer = NULL;
	else
		peerdev_data += length;
	cv_broadcast(&peerdev_cv);
	mtx_unlock(&peerdev_mtx);
	return (error);
}

static struct cdevsw peerdev_other_cdevsw = {
	.d_version = D_VERSION,
	.d_name = "peerdev_other",
	.d_open = peerdev_open,
};

static int
peerdev_ioctl(struct cdev *dev, u_long command, caddr_t data, int flags, struct thread *td)
{

	switch (command) {
	case PEERDEV_COPY:
		return (peerdev_copy((struct peerdev_copy *)data));
	case PEERDEV_TAKE:
		return (peerdev_take((struct peerdev_copy *)data));
	case PEERDEV_MAKE:
		peerdev_other = make_dev(&peerdev_other_cdevsw, 0, UID_ROOT, GID_WHEEL, 0600, "peerdev_other");
		return (0);
	case PEERDEV_REMOVE:
		if (peerdev_other != NULL)
			destroy_dev(peerdev_other);
		peerdev_other = NULL;
		return (0);
	default:
		return (ENOTTY);
	}
}

static int
peerdev_write(struct cdev *dev, struct uio *uio, int ioflag)
{
	uint64_t length = uio->uio_iov->iov_len;
	int error = 0;

	mtx_lock(&peerdev_mtx);
	if (peerdev_writer != NULL) {
		mtx_unlock(&peerdev_mtx);
		return (EBUSY);
	}
	peerdev_writer = curproc;
	peerdev_data = (uint64_t)uio->uio_iov->iov_base;
	peerdev_length = length;
	selwakeup(&peerdev_selinfo);
	while (peerdev_writer == curproc && error == 0)
		error = cv_wait_sig(&peerdev_cv, &peerdev_mtx);
	if (error != 0)
		peerdev_writer = NULL;
	mtx_unlock(&peerdev_mtx);
	if (error == 0) {
		uio->uio_segflg = UIO_NOCOPY;
		error = uiomove(NULL, length, uio);
		uio->uio_segflg = UIO_USERSPACE;
	}
	return (error);
}

static int
peerdev_poll(struct cdev *dev, int events, struct thread *td)
{
	int ready = events & (POLLOUT | POLLWRNORM);

	mtx_lock(&peerdev_mtx);
	if (peerdev_writer != NULL)
		ready |= events & (POLLIN | POLLRDNORM);
	else
		selrecord(td, &peerdev_selinfo);
	mtx_unlock(&peerdev_mtx);
	return (ready);
}

static struct cdevsw peerdev_cdevsw = {
	.d_version = D_VERSION,
	.d_name = "peerdev",
	.d_open = peerdev_open,
	.d_write = peerdev_write,
	.d_ioctl = peerdev_ioctl,
	.d_poll = peerdev_poll,
};

static int
peerdev_event(module_t mod, int what, void *arg)
{

	switch (what) {
	case MOD_LOAD:
		mtx_init(&peerdev_mtx, "peerdev", NULL, MTX_DEF);
		cv_init(&peerdev_cv, "peerdev");
		peerdev_dev = make_dev(&peerdev_cdevsw, 0, UID_ROOT, GID_WHEEL, 0666, "peerdev");
		return (0);
	case MOD_UNLOAD:
		destroy_dev(peerdev_dev);
		seldrain(&peerdev_selinfo);
		cv_destroy(&peerdev_cv);
		mtx_destroy(&peerdev_mtx);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

DEV_MODULE(peerdev, peerdev_event, NULL);
MODULE_VERSION(peerdev, 1);
