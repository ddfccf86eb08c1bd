// SPDX-License-Identifier: GPL-2.0
/* Calls the kernel's string, number parsing and hex functions and logs what they give. */
#define pr_fmt(fmt) "libuser_string: " fmt
#include <linux/crc32.h>
#include <linux/ctype.h>
#include <linux/glob.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include "libuser.h"

/* Exported, but in no header: the compiler makes calls to it. */
char *stpcpy(char *dest, const char *src);

static long at(const char *base, const char *p)
{
	return p ? p - base : -1;
}

static int sign(int n)
{
	return n < 0 ? -1 : n > 0;
}

static void test_search(void)
{
	const char *s = STR("the quick brown fox jumps over the lazy dog");

	pr_info("strlen %zu strnlen %zu %zu\n", strlen(s), strnlen(s, HIDE(5)), strnlen(s, HIDE(500)));
	pr_info("strchr %ld %ld %ld strrchr %ld strnchr %ld strchrnul %ld\n", at(s, strchr(s, HIDE('q'))), at(s, strchr(s, HIDE('!'))),
		at(s, strchr(s, HIDE(0))), at(s, strrchr(s, HIDE('o'))), at(s, strnchr(s, 3, 'q')), at(s, strchrnul(s, '!')));
	pr_info("strstr %ld %ld strnstr %ld %ld\n", at(s, strstr(s, STR("the lazy"))), at(s, strstr(s, STR("cat"))),
		at(s, strnstr(s, STR("fox"), 18)), at(s, strnstr(s, STR("fox"), 19)));
	pr_info("strspn %zu strcspn %zu strpbrk %ld\n", strspn(s, STR("eht ")), strcspn(s, STR("xyz")), at(s, strpbrk(s, STR("zyx"))));
	pr_info("memchr %ld memchr_inv %ld memscan %ld\n", at(s, memchr(s, 'b', HIDE(20))), at(s, memchr_inv(s, 't', HIDE(20))), at(s, memscan((void *)s, 'f', 40)));
	pr_info("strcmp %d %d %d strncmp %d %d\n", sign(strcmp(STR("abc"), STR("abd"))), sign(strcmp(STR("abc"), STR("abc"))),
		sign(strcmp(STR("abcd"), STR("abc"))), sign(strncmp(STR("abcd"), STR("abc"), HIDE(3))), sign(strncmp(STR("b"), STR("a"), HIDE(3))));
	pr_info("strcasecmp %d strncasecmp %d memcmp %d %d bcmp %d\n", sign(strcasecmp(STR("HeLLo"), STR("hEllO"))),
		sign(strncasecmp(STR("HELP"), STR("hello"), 3)), sign(memcmp(STR("abc\0x"), STR("abc\0y"), HIDE(5))),
		sign(memcmp(STR("abc"), STR("abc"), HIDE(3))), !!bcmp(STR("aa"), STR("ab"), HIDE(2)));
	pr_info("sysfs_streq %d %d str_has_prefix %zu strstarts %d\n", sysfs_streq("on", STR("on\n")), sysfs_streq("on", STR("one")),
		str_has_prefix(STR("modbox"), "mod"), strstarts(STR("modbox"), "box"));
	pr_info("glob_match %d %d %d %d\n", glob_match("m*x", "modbox"), glob_match("[a-m]?dbox", "modbox"), glob_match("*.ko", "a.ko.xz"), glob_match("[!x]*", "x"));
}

static void test_copy(void)
{
	char buf[16], *p, *token;
	ssize_t n;

	memset(buf, '#', HIDE(sizeof(buf)));
	n = strscpy(buf, STR("a longer text than fits"), sizeof(buf));
	pr_info("strscpy %zd \"%s\"\n", n, buf);
	n = strscpy(buf, STR("short"), sizeof(buf));
	pr_info("strscpy %zd \"%s\" %*ph\n", n, buf, (int)sizeof(buf), buf);
	memset(buf, '#', HIDE(sizeof(buf)));
	n = strscpy_pad(buf, STR("pad"), sizeof(buf));
	pr_info("strscpy_pad %zd %*ph\n", n, (int)sizeof(buf), buf);
	pr_info("strlcpy %zu \"%s\"\n", strlcpy(buf, STR("twenty-one characters"), sizeof(buf)), buf);
	strncpy(buf, STR("xy"), HIDE(6));
	pr_info("strncpy %*ph\n", (int)sizeof(buf), buf);
	strcpy(buf, STR("one"));
	strcat(buf, STR("-two"));
	strncat(buf, STR("-three"), HIDE(4));
	pr_info("strcat \"%s\"\n", buf);
	pr_info("strlcat %zu \"%s\"\n", strlcat(buf, STR("-and-more"), sizeof(buf)), buf);
	p = stpcpy(buf, STR("stp"));
	pr_info("stpcpy %ld\n", at(buf, p));
	strcpy(buf, STR("0123456789"));
	memmove(buf + 2, buf, HIDE(6));
	pr_info("memmove \"%s\"\n", buf);
	memmove(buf, buf + 2, HIDE(6));
	pr_info("memmove \"%s\"\n", buf);
	strcpy(buf, STR(" a,b;;c "));
	p = skip_spaces(buf);
	p = strim(p);
	pr_info("strim \"%s\"\n", p);
	while ((token = strsep(&p, ",;")))
		pr_info("strsep \"%s\"\n", token);
	strcpy(buf, STR("a/b/c"));
	strreplace(buf, '/', '!');
	pr_info("strreplace \"%s\"\n", buf);
	memset16((u16 *)buf, 0x1234, 3);
	memset32((u32 *)(buf + 8), 0xdeadbeef, 2);
	pr_info("memset16 and 32 %*ph\n", (int)sizeof(buf), buf);
	pr_info("toupper %c tolower %c isalnum %d isspace %d isxdigit %d isprint %d\n", toupper(HIDE('x')), tolower(HIDE('X')),
		!!isalnum(HIDE('_')), !!isspace(HIDE('\v')), !!isxdigit(HIDE('f')), !!isprint(HIDE(0x7f)));
	p = kstrdup(STR("duplicate"), GFP_KERNEL);
	pr_info("kstrdup \"%s\"\n", p);
	kfree(p);
	p = kstrndup(STR("duplicate"), 4, GFP_KERNEL);
	pr_info("kstrndup \"%s\"\n", p);
	kfree(p);
	p = kmemdup_nul("modbox", 3, GFP_KERNEL);
	pr_info("kmemdup_nul \"%s\"\n", p);
	kfree(p);
	p = kasprintf(GFP_KERNEL, "%s-%03d", "kas", 7);
	pr_info("kasprintf \"%s\"\n", p);
	kfree(p);
}

#define PARSE(fn, type, fmt, text, base) do {							\
	type v_ = 0;										\
	int ret_ = fn(STR(text), base, &v_);							\
	pr_info(#fn "(\"%*pE\", %d) is %d, " fmt "\n", (int)sizeof(text) - 1, text, base, ret_, v_);	\
} while (0)

static void test_numbers(void)
{
	static const char * const bools[] = { "y", "N", "on", "OFF", "oFx", "1", "0", "true", "" };
	unsigned long long size;
	char *end;
	const char *s;
	bool flag;
	int ints[6], i, n, value;

	PARSE(kstrtoull, unsigned long long, "%llu", "18446744073709551615", 10);
	PARSE(kstrtoull, unsigned long long, "%llu", "18446744073709551616", 10);
	PARSE(kstrtoull, unsigned long long, "%llu", "0xFFFF\n", 0);
	PARSE(kstrtoull, unsigned long long, "%llu", "-1", 0);
	PARSE(kstrtoll, long long, "%lld", "-9223372036854775808", 10);
	PARSE(kstrtoll, long long, "%lld", "-9223372036854775809", 10);
	PARSE(kstrtoul, unsigned long, "%lu", "+0777", 0);
	PARSE(kstrtol, long, "%ld", "12 ", 10);
	PARSE(kstrtoint, int, "%d", "-2147483648", 10);
	PARSE(kstrtoint, int, "%d", "2147483648", 10);
	PARSE(kstrtouint, unsigned int, "%u", "ff", 16);
	PARSE(kstrtouint, unsigned int, "%u", "", 10);
	PARSE(kstrtou16, u16, "%u", "65536", 10);
	PARSE(kstrtos16, s16, "%d", "-32768", 10);
	PARSE(kstrtou8, u8, "%u", "0x80", 0);
	PARSE(kstrtos8, s8, "%d", "128", 10);
	PARSE(kstrtoint, int, "%d", "12\n\n", 10);
	PARSE(kstrtoint, int, "%d", "08", 0);
	for (i = 0; i < ARRAY_SIZE(bools); i++) {
		flag = false;
		n = kstrtobool(bools[i], &flag);
		pr_info("kstrtobool(\"%s\") is %d, %d\n", bools[i], n, flag);
	}
	s = STR("0x1fz");
	size = simple_strtoul(s, &end, 0);
	pr_info("simple_strtoul %llu rest \"%s\"\n", size, end);
	s = STR("-75abc");
	value = simple_strtol(s, &end, 10);
	pr_info("simple_strtol %d rest \"%s\"\n", value, end);
	s = STR("64Kxyz");
	size = memparse(s, &end);
	pr_info("memparse %llu rest \"%s\"\n", size, end);
	size = memparse(STR("3G"), NULL);
	pr_info("memparse %llu\n", size);
	get_options(STR("1,5-7,9"), ARRAY_SIZE(ints), ints);
	pr_info("get_options %d: %d %d %d %d %d\n", ints[0], ints[1], ints[2], ints[3], ints[4], ints[5]);
	n = sscanf(STR("ab 42 0x1f 077 z 12345"), "%2s %d %x %o %c %3d", (char *)ints + 16, &ints[0], (unsigned int *)&ints[1], (unsigned int *)&ints[2], (char *)&ints[3], &value);
	pr_info("sscanf %d: %.2s %d %d %d %c %d\n", n, (char *)ints + 16, ints[0], ints[1], ints[2], *(char *)&ints[3], value);
	strcpy((char *)ints, "unset");
	n = sscanf(STR("key=value;rest"), "%*[a-z]=%7[a-z]%n", (char *)ints, &value);
	pr_info("sscanf %d: \"%s\" %d\n", n, (char *)ints, value);
	n = sscanf(STR("1:x"), "%d:%d", &ints[0], &ints[1]);
	pr_info("sscanf %d: %d\n", n, ints[0]);
	pr_info("match_string %d %d\n", match_string(bools, -1 + ARRAY_SIZE(bools), "true"), match_string(bools, ARRAY_SIZE(bools), "maybe"));
	pr_info("__sysfs_match_string %d\n", __sysfs_match_string(bools, ARRAY_SIZE(bools), "on\n"));
}

static void test_hex(void)
{
	static const u8 data[] = { 0x00, 0x7f, 0x80, 0xff, 'm', 'o', 'd', 'b', 'o', 'x', '\n', 0x1b, '"', '\\', 0xc3, 0xa9, 1, 2, 3 };
	char text[128], *p;
	u8 bytes[8] = {};
	int n;

	p = bin2hex(text, data, 6);
	*p = 0;
	pr_info("bin2hex \"%s\" hex_to_bin %d %d\n", text, hex_to_bin('E'), hex_to_bin('g'));
	n = hex2bin(bytes, STR("0123456789abCDEF"), 8);
	pr_info("hex2bin %d %8phN\n", n, bytes);
	pr_info("hex2bin %d\n", hex2bin(bytes, STR("01xx"), 2));
	n = hex_dump_to_buffer(data, sizeof(data), 16, 1, text, sizeof(text), true);
	pr_info("hex_dump_to_buffer %d \"%s\"\n", n, text);
	n = hex_dump_to_buffer(data, 16, 16, 4, text, 20, false);
	pr_info("hex_dump_to_buffer %d \"%s\"\n", n, text);
	print_hex_dump(KERN_INFO, "libuser_string: dump ", DUMP_PREFIX_OFFSET, 16, 1, data, sizeof(data), true);
	print_hex_dump(KERN_INFO, "libuser_string: words ", DUMP_PREFIX_NONE, 32, 2, data, 18, false);
	print_hex_dump(KERN_INFO, "libuser_string: quads ", DUMP_PREFIX_NONE, 16, 8, data, 16, true);

	n = string_escape_mem(data, sizeof(data), text, sizeof(text) - 1, ESCAPE_ANY, NULL);
	text[min_t(int, n, sizeof(text) - 1)] = 0;
	pr_info("string_escape_mem %d \"%s\"\n", n, text);
	n = string_escape_mem((const char *)data, sizeof(data), text, sizeof(text) - 1, ESCAPE_HEX | ESCAPE_NAP, NULL);
	text[min_t(int, n, sizeof(text) - 1)] = 0;
	pr_info("string_escape_mem %d \"%s\"\n", n, text);
	strcpy(text, STR("tab\\tnl\\nhex\\x41oct\\101esc\\e\\q"));
	n = string_unescape(text, text, 0, UNESCAPE_ANY);
	pr_info("string_unescape %d %*phN\n", n, n, text);
	string_get_size(123456789, 1, STRING_UNITS_2, text, sizeof(text));
	pr_info("string_get_size %s\n", text);
	string_get_size(7814037168ULL, 512, STRING_UNITS_10, text, sizeof(text));
	pr_info("string_get_size %s\n", text);
	pr_info("crc32_le %#x crc32_be %#x\n", crc32_le(~0, "123456789", 9), crc32_be(~0, "123456789", 9));
}

static int __init libuser_string_init(void)
{
	test_search();
	test_copy();
	test_numbers();
	test_hex();
	return 0;
}

static void __exit libuser_string_exit(void)
{
}

module_init(libuser_string_init);
module_exit(libuser_string_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Logs the results of string functions");
