// SPDX-License-Identifier: GPL-2.0
/* Time: conversions with fixed answers, and clocks and delays that are only compared with each other. */
#define pr_fmt(fmt) "timeuser: " fmt
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/rtc.h>
#include <linux/sched/clock.h>
#include <linux/time.h>
#include <linux/timekeeping.h>
#include "libuser.h"

static void test_conversions(void)
{
	struct timespec64 ts, other;
	struct tm tm;
	struct rtc_time rtc;

	pr_info("HZ %d jiffies_to_msecs %u usecs %u nsecs %llu clock_t %ld\n", HZ, jiffies_to_msecs(HIDE(250UL)), jiffies_to_usecs(HIDE(3UL)), (u64)jiffies_to_nsecs(HIDE(3UL)), jiffies_to_clock_t(HIDE(1000UL)));
	pr_info("msecs_to_jiffies %lu %lu %lu %lu\n", msecs_to_jiffies(HIDE(0U)), msecs_to_jiffies(HIDE(1U)), msecs_to_jiffies(HIDE(1001U)), msecs_to_jiffies(HIDE(-1U)));
	pr_info("usecs_to_jiffies %lu %lu nsecs_to_jiffies %lu nsecs_to_jiffies64 %llu\n", usecs_to_jiffies(HIDE(1U)), usecs_to_jiffies(HIDE(4001U)), nsecs_to_jiffies(HIDE(1000000000ULL)), nsecs_to_jiffies64(HIDE(3999999ULL)));
	pr_info("clock_t_to_jiffies %lu jiffies_64_to_clock_t %llu\n", clock_t_to_jiffies(HIDE(150UL)), jiffies_64_to_clock_t(HIDE(2500ULL)));
	jiffies_to_timespec64(HIDE(1001UL), &ts);
	pr_info("jiffies_to_timespec64 %lld.%09ld back %lu\n", ts.tv_sec, ts.tv_nsec, timespec64_to_jiffies(&ts));
	ts = ns_to_timespec64(-1500000000LL);
	pr_info("ns_to_timespec64 %lld.%09ld to_ns %lld\n", ts.tv_sec, ts.tv_nsec, timespec64_to_ns(&ts));
	set_normalized_timespec64(&ts, 10, 2500000000LL);
	pr_info("normalized %lld.%09ld\n", ts.tv_sec, ts.tv_nsec);
	other = timespec64_sub(ts, (struct timespec64){ 1, 700000000 });
	pr_info("timespec64_sub %lld.%09ld compare %d\n", other.tv_sec, other.tv_nsec, timespec64_compare(&other, &ts));
	other = timespec64_add(ts, (struct timespec64){ 1, 700000000 });
	pr_info("timespec64_add %lld.%09ld valid %d\n", other.tv_sec, other.tv_nsec, timespec64_valid(&other));
	time64_to_tm(1700000000, 3600, &tm);
	pr_info("time64_to_tm %ld-%02d-%02d %02d:%02d:%02d wday %d yday %d\n", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_wday, tm.tm_yday);
	time64_to_tm(-1, 0, &tm);
	pr_info("time64_to_tm %ld-%02d-%02d %02d:%02d:%02d wday %d yday %d\n", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_wday, tm.tm_yday);
	pr_info("mktime64 %lld %lld\n", mktime64(2024, 2, 29, 12, 0, 0), mktime64(1969, 12, 31, 23, 59, 59));
	rtc_time64_to_tm(951827696, &rtc);
	pr_info("rtc %ptR valid %d back %lld month days %d\n", &rtc, rtc_valid_tm(&rtc), rtc_tm_to_time64(&rtc), rtc_month_days(1, 2000));
	pr_info("ktime_set %lld ms %lld us %lld add_us %lld\n", ktime_set(2, 5), ktime_to_ms(ktime_set(2, 5000000)), ktime_to_us(ms_to_ktime(7)), ktime_add_us(0, 9));
	pr_info("ktime_divns %lld compare %d before %d\n", ktime_divns(HIDE(10000000001LL), 1000), ktime_compare(5, 6), ktime_before(5, 6));
	pr_info("ktime_add_safe %lld\n", ktime_add_safe(KTIME_MAX - 1, 5));
}

static void test_division(void)
{
	u64 n = HIDE(10000000000000000019ULL), rem64;
	u32 rem;
	s32 srem;

	rem = do_div(n, HIDE(1000000007U));
	pr_info("do_div %llu rem %u\n", n, rem);
	n = div_u64_rem(HIDE(123456789012345ULL), HIDE(1000U), &rem);
	pr_info("div_u64_rem %llu rem %u\n", n, rem);
	pr_info("div_s64 %lld", div_s64_rem(HIDE(-1000000000001LL), HIDE(1000), &srem));
	pr_cont(" rem %d\n", srem);
	n = div64_u64_rem(HIDE(ULLONG_MAX), HIDE(10000000001ULL), &rem64);
	pr_info("div64_u64_rem %llu rem %llu\n", n, rem64);
	pr_info("div64_s64 %lld mul_u64_u32_shr %llu mul_u64_u64_shr %llu\n", div64_s64(HIDE(-9000000000LL), HIDE(7LL)), mul_u64_u32_shr(HIDE(1ULL << 40), HIDE(1000U), 10), mul_u64_u64_shr(HIDE(ULLONG_MAX), HIDE(1ULL << 40), 50));
	pr_info("mul_u64_u64_div_u64 %llu div64_ul %llu round %llu\n", mul_u64_u64_div_u64(HIDE(1ULL << 50), HIDE(3000000ULL), HIDE(1ULL << 30)), div64_ul(HIDE(1000UL), 7UL), DIV64_U64_ROUND_UP(HIDE(1000ULL), HIDE(7ULL)));
	pr_info("DIV_ROUND_CLOSEST_ULL %llu roundup %d\n", DIV_ROUND_CLOSEST_ULL(HIDE(1005ULL), 10), roundup(HIDE(1001), 10));
}

static bool between(s64 ns, s64 low, s64 high)
{
	return ns >= low && ns <= high;
}

static void test_clocks(void)
{
	ktime_t a = ktime_get(), b, expires;
	u64 before, after;
	unsigned long j;
	struct timespec64 ts;
	long left;

	b = ktime_get();
	pr_info("ktime_get goes forward %d, raw %d, boottime not behind %d, real is after 2020 %d, tai not behind real %d\n", b >= a, ktime_get_raw() > 0,
		ktime_get_boottime() >= b, ktime_get_real_seconds() > 1577836800, ktime_get_clocktai() >= ktime_get_real() - NSEC_PER_SEC);
	ktime_get_ts64(&ts);
	pr_info("ktime_get_ts64 agrees %d, ktime_get_seconds agrees %d, coarse not ahead %d\n", between(timespec64_to_ns(&ts) - b, 0, NSEC_PER_SEC),
		between(ktime_get_seconds() - ts.tv_sec, 0, 1), ktime_get_coarse() <= ktime_get());
	before = local_clock();
	udelay(200);
	after = local_clock();
	pr_info("udelay(200) %d sched_clock %d\n", between(after - before, 100000, 1000000000), sched_clock() > 0);
	a = ktime_get();
	mdelay(12);
	ndelay(500);
	pr_info("mdelay(12) %d\n", between(ktime_get() - a, 6 * NSEC_PER_MSEC, NSEC_PER_SEC));
	a = ktime_get();
	j = jiffies;
	msleep(30);
	pr_info("msleep(30) %d jiffies moved %d\n", between(ktime_get() - a, 30 * NSEC_PER_MSEC, NSEC_PER_SEC), jiffies - j >= msecs_to_jiffies(30));
	a = ktime_get();
	usleep_range(1500, 2000);
	pr_info("usleep_range %d\n", between(ktime_get() - a, 1500 * NSEC_PER_USEC, NSEC_PER_SEC));
	a = ktime_get();
	ssleep(1);
	pr_info("ssleep(1) %d\n", between(ktime_get() - a, NSEC_PER_SEC, 2LL * NSEC_PER_SEC));
	a = ktime_get();
	set_current_state(TASK_UNINTERRUPTIBLE);
	left = schedule_timeout(HZ / 10);
	pr_info("schedule_timeout left %ld %d\n", left, between(ktime_get() - a, 90 * NSEC_PER_MSEC, NSEC_PER_SEC));
	a = ktime_get();
	expires = ms_to_ktime(5);
	set_current_state(TASK_UNINTERRUPTIBLE);
	pr_info("schedule_hrtimeout %d", schedule_hrtimeout(&expires, HRTIMER_MODE_REL));
	pr_cont(" %d\n", between(ktime_get() - a, 5 * NSEC_PER_MSEC, NSEC_PER_SEC));
	a = ktime_get();
	fsleep(15);
	fsleep(15000);
	pr_info("fsleep %d\n", between(ktime_get() - a, 15015 * NSEC_PER_USEC, NSEC_PER_SEC));
	pr_info("time_after %d time_before %d in range %d get_jiffies_64 %d\n", time_after(HIDE(5UL), HIDE(-5UL)), time_before(HIDE(5UL), HIDE(-5UL)), time_in_range(HIDE(5UL), 1UL, 9UL), get_jiffies_64() >= j);
}

static int __init timeuser_init(void)
{
	test_conversions();
	test_division();
	test_clocks();
	return 0;
}

static void __exit timeuser_exit(void)
{
}

module_init(timeuser_init);
module_exit(timeuser_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Time conversions, clocks and delays");
