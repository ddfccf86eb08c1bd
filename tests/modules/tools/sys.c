// SPDX-License-Identifier: Apache-2.0
/*
 * System calls that busybox has no command for. Only for recording: record.mjs builds it, static, into the guest.
 *   sys ioctl PATH REQUEST [ARGUMENT]   ARGUMENT: a number, passed as it is, or hex:BYTES, a buffer, printed after
 *   sys poll PATH TIMEOUT               what of POLLIN, POLLOUT, POLLERR, POLLHUP is there
 *   sys read PATH COUNT [nonblock] [at=OFFSET] [to=ADDRESS]
 *   sys write PATH TEXT [nonblock] [at=OFFSET] [from=ADDRESS]
 *   sys finit FLAGS PATH                finit_module(2) without parameters
 *   sys as UID COMMAND...               runs a command as that user
 *   sys without CAP_SYS_MODULE COMMAND...  and as root that cannot get that capability
 * Prints one line: the result, the errno's name, and data.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int said(const char *call, long ret)
{
	if (ret < 0)
		printf("%s: -1 %s\n", call, strerrorname_np(errno));
	else
		printf("%s: %ld\n", call, ret);
	return ret < 0;
}

int main(int argc, char **argv)
{
	static unsigned char buf[4096];
	const char *call = argc > 3 ? argv[1] : "", *path = argc > 3 ? argv[2] : "";
	int fd, i, flags = 0, wr = !strcmp(call, "write"), bad;
	long at = -1, ret;
	void *p = buf;

	if (argc < 4)
		return 2;
	if (!strcmp(call, "finit")) {
		fd = open(argv[3], O_RDONLY);
		if (fd < 0)
			return said("open", fd);
		return said("finit_module", syscall(SYS_finit_module, fd, "", atoi(path)));
	}
	if (!strcmp(call, "as")) {
		if (setgid(atoi(path)) || setuid(atoi(path)))
			return said("setuid", -1);
		execvp(argv[3], argv + 3);
		return said("execvp", -1);
	}
	if (!strcmp(call, "without") && !strcmp(path, "CAP_SYS_MODULE")) {
		if (prctl(PR_CAPBSET_DROP, CAP_SYS_MODULE))
			return said("prctl", -1);
		execvp(argv[3], argv + 3);
		return said("execvp", -1);
	}
	if (!strcmp(call, "ioctl")) {
		unsigned long request = strtoul(argv[3], NULL, 0), arg = 0;
		size_t n = 0;

		fd = open(path, O_RDWR);
		if (fd < 0)
			return said("open", fd);
		if (argc > 4 && !strncmp(argv[4], "hex:", 4)) {
			for (const char *h = argv[4] + 4; h[0] && h[1]; h += 2)
				buf[n++] = strtoul((char[]){ h[0], h[1], 0 }, NULL, 16);
			arg = (unsigned long)buf;
		} else if (argc > 4) {
			arg = strtoul(argv[4], NULL, 0);
		}
		ret = ioctl(fd, request, arg);
		bad = said(call, ret);
		if (n) {
			printf("data: ");
			for (size_t k = 0; k < n; k++)
				printf("%02x", buf[k]);
			printf("\n");
		}
		return bad;
	}
	for (i = 4; i < argc; i++) {
		if (!strcmp(argv[i], "nonblock"))
			flags |= O_NONBLOCK;
		else if (!strncmp(argv[i], "at=", 3))
			at = strtol(argv[i] + 3, NULL, 0);
		else if (strchr(argv[i], '='))
			p = (void *)strtoul(strchr(argv[i], '=') + 1, NULL, 0);
	}
	fd = open(path, flags | (!strcmp(call, "poll") ? O_RDWR : wr ? O_WRONLY : O_RDONLY));
	if (fd < 0)
		return said("open", fd);
	if (!strcmp(call, "poll")) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

		ret = poll(&pfd, 1, atoi(argv[3]));
		printf("poll: %ld%s%s%s%s\n", ret, pfd.revents & POLLIN ? " POLLIN" : "", pfd.revents & POLLOUT ? " POLLOUT" : "",
		       pfd.revents & POLLERR ? " POLLERR" : "", pfd.revents & POLLHUP ? " POLLHUP" : "");
		return 0;
	}
	if (at >= 0 && lseek(fd, at, SEEK_SET) < 0)
		return said("lseek", -1);
	if (wr)
		return said(call, write(fd, p == buf ? argv[3] : p, strlen(argv[3])));
	ret = read(fd, p, strtoul(argv[3], NULL, 0));
	bad = said(call, ret);
	if (ret > 0 && p == buf)
		printf("data: %.*s\n", (int)ret, buf);
	return bad;
}
