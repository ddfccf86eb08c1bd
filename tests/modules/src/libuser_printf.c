// SPDX-License-Identifier: GPL-2.0
/* Logs what vsnprintf makes of its conversions, with all of the %p extensions that need no hardware. */
#define pr_fmt(fmt) "libuser_printf: " fmt
#include <linux/bitmap.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inet.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netdev_features.h>
#include <linux/rtc.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/time.h>
#include <linux/uuid.h>
#include "libuser.h"

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-security"

static void test_numbers(void)
{
	pr_info("d [%d] [%5d] [%-5d] [%05d] [%+d] [% d] [%.3d] [%8.3d] [%-8.3d] [%i]\n", 42, 42, 42, 42, 42, 42, 42, 42, 42, -42);
	pr_info("limits [%d] [%ld] [%lld] [%u] [%lu]\n", INT_MIN, LONG_MIN, LLONG_MIN, UINT_MAX, ULONG_MAX);
	pr_info("x [%x] [%X] [%#x] [%#X] [%08x] [%#010x] [%-#10x] [%lx] [%#llx]\n", 0xbeef, 0xbeef, 0xbeef, 0xbeef, 0xbeef, 0xbeef, 0xbeef, -1L, 0x123456789abcdefULL);
	pr_info("o [%o] [%#o] [%#o] [%06o]\n", 8, 8, 0, 0644);
	pr_info("h [%hhd] [%hhu] [%hd] [%hu] [%hhx]\n", 300, 300, 70000, 70000, -1);
	pr_info("z [%zu] [%zd] [%td] [%Lu]\n", (size_t)5, (ssize_t)-5, (ptrdiff_t)-7, 9ULL);
	pr_info("star [%*d] [%-*d] [%.*d] [%*.*s] [%*d]\n", 6, 1, 6, 2, 4, 3, 6, 2, "abc", -6, 4);
	pr_info("zero [%d] [%x] [%#x] [%.0d] [%s]\n", 0, 0, 0, 0, "");
}

static void test_text(void)
{
	char buf[12];
	int n;

	pr_info("s [%s] [%10s] [%-10s] [%.3s] [%10.3s] [%s]\n", "modbox", "modbox", "modbox", "modbox", "modbox", (char *)NULL);
	pr_info("s bad [%s] [%s] [%.2s]\n", (char *)HIDE(8UL), (char *)ERR_PTR(-EINVAL), (char *)NULL);
	pr_info("c [%c] [%3c] [%-3c] percent [%%]\n", 'a', 'b', 'c');
	n = snprintf(buf, sizeof(buf), "%s", "exactly fifteen");
	pr_info("snprintf %d \"%s\"\n", n, buf);
	n = scnprintf(buf, sizeof(buf), "%s", "exactly fifteen");
	pr_info("scnprintf %d \"%s\"\n", n, buf);
	n = snprintf(NULL, 0, "%d-%d", 1000, 2000);
	pr_info("snprintf to nothing %d\n", n);
	pr_info("a line\n");
	printk(KERN_INFO "libuser_printf: one");
	printk(KERN_CONT " and");
	pr_cont(" the same line\n");
	printk(KERN_INFO "libuser_printf: two\nlines\n");
	pr_notice("notice\n");
	pr_warn("warning\n");
	pr_err("error\n");
	pr_debug("debug is not shown\n");
	printk(KERN_DEBUG "libuser_printf: level debug\n");
	printk("libuser_printf: no level\n");
}

__printf(1, 2) static void by_va_format(const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_info("pV <%pV>\n", &vaf);
	va_end(args);
}

static noinline int a_function(int n)
{
	return n + 1;
}

static void test_pointers(void)
{
	static const u8 mac[6] = { 0x00, 0x1b, 0x21, 0xab, 0xcd, 0xef };
	static const u8 raw[9] = { 0xde, 0xad, 0xbe, 0xef, 0, 1, 2, '"', '\n' };
	static const u8 odd[9] = { 'a', 0, 1, 2, '"', '\t', 0x1b, '\\', 0x7f };
	static const u8 ip4[4] = { 127, 0, 0, 1 };
	static const struct in6_addr ip6[] = {
		{ { { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } } },
		{ { { 0 } } },
		{ { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3 } } },
	};
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = htonl(0xc0a80001) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_scope_id = 7 };
	static const guid_t guid = GUID_INIT(0x01020304, 0x0506, 0x0708, 9, 10, 11, 12, 13, 14, 15, 16);
	DECLARE_BITMAP(bits, 70);
	struct resource mem = DEFINE_RES_MEM_NAMED(0xfed00000, 0x400, "a device");
	struct resource io = DEFINE_RES_IO(0x3f8, 8);
	struct resource irq = DEFINE_RES_IRQ(5);
	struct rtc_time tm = { .tm_sec = 5, .tm_min = 4, .tm_hour = 3, .tm_mday = 2, .tm_mon = 0, .tm_year = 123 };
	time64_t t = 1700000000;
	struct timespec64 ts = { 1700000000, 123456789 };
	phys_addr_t phys = 0x123456000ULL;
	dma_addr_t dma = 0xabc000;
	netdev_features_t features = 0x0000000200000001ULL;
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO;
	unsigned long vm = VM_READ | VM_WRITE | VM_SHARED;
	u32 fourcc = 0x32315559;	/* YU12 */
	char text[40];
	int n;

	pr_info("p NULL [%p] [%px] error [%p] [%pe] [%pe] width [%20px]\n", NULL, NULL, ERR_PTR(-ENOENT), ERR_PTR(-ENOMEM), ERR_PTR(-4000), (void *)0x1234);
	n = snprintf(text, sizeof(text), "%p", (void *)text);
	pr_info("p hashed length %d, same twice %d\n", n, (snprintf(text + 20, 20, "%p", (void *)text), !strcmp(text, text + 20)));
	pr_info("pe of no error length %d\n", snprintf(NULL, 0, "%pe", text));
	pr_info("px [%px]\n", (void *)0xffff888012345678UL);
	pr_info("pS [%pS] ps [%ps] pS+4 [%pS] pB [%pB]\n", a_function, a_function, (char *)a_function + 4, (char *)a_function + 1);
	pr_info("ps kernel [%ps] [%ps] not a symbol [%pS] [%ps]\n", kfree, &jiffies, (void *)0x1234, (void *)0xffff888000001234UL);
	pr_info("pM [%pM] pMR [%pMR] pMF [%pMF] pm [%pm] pmR [%pmR]\n", mac, mac, mac, mac, mac);
	pr_info("pI4 [%pI4] pi4 [%pi4] pI4h [%pI4h] n [%pI4n] l [%pI4l] b [%pI4b]\n", ip4, ip4, ip4, ip4, ip4, ip4);
	pr_info("pI6 [%pI6] pi6 [%pi6]\n", &ip6[0], &ip6[0]);
	pr_info("pI6c [%pI6c] [%pI6c] [%pI6c]\n", &ip6[0], &ip6[1], &ip6[2]);
	sin6.sin6_addr = ip6[0];
	pr_info("pIS [%pIS] [%pISp] [%pIS] [%pISc] [%pISpc] [%pISpsc]\n", &sin, &sin, &sin6, &sin6, &sin6, &sin6);
	pr_info("pU [%pUb] [%pUB] [%pUl] [%pUL]\n", &guid, &guid, &guid, &guid);
	pr_info("ph [%5ph] [%5phC] [%5phD] [%5phN] [%*ph]\n", raw, raw, raw, raw, 3, raw);
	pr_info("pE [%9pE] [%9pEn] [%9pEhp] [%*pEs]\n", odd, odd, odd, 9, odd);
	bitmap_zero(bits, 70);
	bitmap_set(bits, 3, 5);
	__set_bit(10, bits);
	__set_bit(69, bits);
	pr_info("pb [%*pb] pbl [%*pbl]\n", 70, bits, 70, bits);
	bitmap_zero(bits, 70);
	pr_info("pb empty [%*pb] pbl [%*pbl]\n", 70, bits, 70, bits);
	pr_info("pr [%pr] [%pR]\n", &mem, &mem);
	pr_info("pr [%pr] [%pR] [%pR]\n", &io, &io, &irq);
	pr_info("pt [%ptR] [%ptRd] [%ptRt] [%ptRr] [%ptT] [%ptTs]\n", &tm, &tm, &tm, &tm, &t, &t);
	pr_info("pa [%pa] [%pap] [%pad] pNF [%pNF]\n", &phys, &phys, &dma, &features);
	pr_info("pG [%pGg] [%pGv] p4cc [%p4cc]\n", &gfp, &vm, &fourcc);
	pr_info("ptTs with nanoseconds [%ptTs] %ld\n", &ts.tv_sec, ts.tv_nsec);
	by_va_format("inner %d %s", a_function(1), "text");
	pr_info("unknown [%pj] [%pn]\n", NULL, NULL);
}

static void test_files(void)
{
	struct file *file = filp_open("/proc/sys/kernel/ostype", O_RDONLY, 0);
	struct dentry *dentry;

	if (IS_ERR(file)) {
		pr_info("filp_open gives %pe\n", file);
		return;
	}
	dentry = file->f_path.dentry;
	pr_info("pd [%pd] pd2 [%pd2] pd3 [%pd3] pd4 [%pd4] pD [%pD] pD2 [%pD2]\n", dentry, dentry, dentry, dentry, file, file);
	filp_close(file, NULL);
	file = filp_open("/no/such/file", O_RDONLY, 0);
	pr_info("filp_open gives %pe\n", file);
}

static int __init libuser_printf_init(void)
{
	test_numbers();
	test_text();
	test_pointers();
	test_files();
	return 0;
}

static void __exit libuser_printf_exit(void)
{
}

module_init(libuser_printf_init);
module_exit(libuser_printf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Logs the results of vsnprintf");
