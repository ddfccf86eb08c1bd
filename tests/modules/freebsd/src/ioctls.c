/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/ioctls: requests that carry data in, out and both ways, and one that copies by itself with copyin(9), copyout(9), copyinstr(9). */
#include <sys/param.h>
#include <sys/conf.h>
#include <sys/ioccom.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/priv.h>
#include <sys/proc.h>
#include <sys/systm.h>

struct ioctls_copy {
	void *from;
	void *to;
	size_t length;
};

struct ioctls_sum {
	int a;
	int b;
	long sum;
};

#define	IOCTLS_SET	_IOW('M', 1, int)
#define	IOCTLS_GET	_IOR('M', 2, int)
#define	IOCTLS_SUM	_IOWR('M', 3, struct ioctls_sum)
#define	IOCTLS_COPY	_IOW('M', 4, struct ioctls_copy)
#define	IOCTLS_NAME	_IOW('M', 5, struct ioctls_copy)
#define	IOCTLS_ROOT	_IO('M', 6)
#define	IOCTLS_INT	_IOWINT('M', 7)

static struct cdev *ioctls_dev;
static int ioctls_value;

static int
ioctls_copy(struct ioctls_copy *copy)
{
	char buffer[128];
	int error;

	if (copy->length > sizeof(buffer))
		return (E2BIG);
	error = copyin(copy->from, buffer, copy->length);
	if (error != 0)
		return (error);
	return (copyout(buffer, copy->to, copy->length));
}

static int
ioctls_name(struct ioctls_copy *copy)
{
	char name[16];
	size_t length;
	int error;

	error = copyinstr(copy->from, name, sizeof(name), &length);
	if (error != 0)
		return (error);
	printf("ioctls: name '%s', %zu bytes\n", name, length);
	return (0);
}

static int
ioctls_ioctl(struct cdev *dev, u_long command, caddr_t data, int flags, struct thread *td)
{
	struct ioctls_sum *sum;

	switch (command) {
	case IOCTLS_SET:
		ioctls_value = *(int *)data;
		return (0);
	case IOCTLS_GET:
		*(int *)data = ioctls_value;
		return (0);
	case IOCTLS_SUM:
		sum = (struct ioctls_sum *)data;
		sum->sum = (long)sum->a + sum->b;
		return (0);
	case IOCTLS_COPY:
		return (ioctls_copy((struct ioctls_copy *)data));
	case IOCTLS_NAME:
		return (ioctls_name((struct ioctls_copy *)data));
	case IOCTLS_ROOT:
		return (priv_check(td, PRIV_DRIVER));
	case IOCTLS_INT:
		ioctls_value = *(int *)data;
		return (0);
	default:
		return (ENOTTY);
	}
}

static struct cdevsw ioctls_cdevsw = {
	.d_version = D_VERSION,
	.d_name = "ioctls",
	.d_ioctl = ioctls_ioctl,
};

static int
ioctls_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		ioctls_dev = make_dev(&ioctls_cdevsw, 0, UID_ROOT, GID_OPERATOR, 0666, "ioctls");
		return (0);
	case MOD_UNLOAD:
		destroy_dev(ioctls_dev);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

DEV_MODULE(ioctls, ioctls_event, NULL);
