/* SPDX-License-Identifier: Apache-2.0 */
/* What libkern and printf(9) make of numbers and texts: %b, %D, strto*, sbuf(9), qsort, bits. */
#include <sys/param.h>
#include <sys/ctype.h>
#include <sys/kernel.h>
#include <sys/libkern.h>
#include <sys/module.h>
#include <sys/sbuf.h>
#include <sys/syslog.h>
#include <sys/systm.h>

static int
strings_compare(const void *a, const void *b)
{
	return (*(const int *)a - *(const int *)b);
}

static int
strings_event(module_t mod, int what, void *arg)
{
	int numbers[] = { 5, -3, 9, 0 };
	struct sbuf *sb;
	char text[32], *end;

	if (what != MOD_LOAD)
		return (what == MOD_UNLOAD ? 0 : EOPNOTSUPP);
	printf("strings: %5d|%-5d|%05x|%#o|%+d|%jd|%zu|%p\n", 42, 42, 0xbeef, 8, 7, (intmax_t)-1, (size_t)9, (void *)0x1234);
	printf("strings: %b\n", 0x13, "\20\1ONE\2TWO\5FIVE");
	printf("strings: %6D|%.3s|%c|%%\n", "\x02\x6d\x62\x78\x00\x01", ":", "abcdef", 'x');
	snprintf(text, sizeof(text), "%s %08lx", "a text", 0x1234abcdL);
	printf("strings: %s, %d\n", text, (int)strlen(text));
	printf("strings: %ld %lu %jd\n", strtol("-0x10z", &end, 0), strtoul("077", NULL, 8), (intmax_t)strtoq("123456789012", NULL, 10));
	printf("strings: rest '%s', %d\n", end, isxdigit('g') != 0);
	qsort(numbers, nitems(numbers), sizeof(numbers[0]), strings_compare);
	sb = sbuf_new_auto();
	for (int i = 0; i < nitems(numbers); i++)
		sbuf_printf(sb, "%d,", numbers[i]);
	sbuf_trim(sb);
	sbuf_cat(sb, " sorted");
	sbuf_finish(sb);
	printf("strings: %s, %zd\n", sbuf_data(sb), sbuf_len(sb));
	sbuf_delete(sb);
	printf("strings: %d %d %d\n", ffs(0x50), flsl(0x1000), bcd2bin(0x42));
	log(LOG_WARNING, "strings: logged %d\n", LOG_WARNING);
	uprintf("strings: to the terminal\n");
	return (0);
}

static moduledata_t strings_mod = { "strings", strings_event, NULL };

DECLARE_MODULE(strings, strings_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
