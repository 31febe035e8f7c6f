// SPDX-License-Identifier: GPL-2.0
/*
 * ipi_bench - how long a CPU takes to notice that another one wants it
 *
 *	cd /sys/kernel/debug/ipi_bench
 *	echo mode=single targets=1 count=2000 gap_us=200 sender=0 > run
 *	cat result
 *
 * timing=1 measures latency: nothing watches the targets. Without it every call waits until they
 * are idle (polling=1: in the poll of ipi_passthrough), for the counting of IPIs.
 * The write returns when the measurement is done. Test module: not meant for a machine in use.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "ipi_bench.h"

#define IPIB_MAX_COUNT		1000000
#define IPIB_MAX_GAP_US		1000000
#define IPIB_MAX_BAIL_MS	10000
#define IPIB_MAX_INPUT		512

static const char * const ipib_mode_names[IPIB_NR_MODES] = {
	[IPIB_SINGLE]	= "single",
	[IPIB_MANY]	= "many",
	[IPIB_WAKEUP]	= "wakeup",
	[IPIB_RESCHED]	= "resched",
	[IPIB_NONE]	= "none",
	[IPIB_HAZARD]	= "hazard",
};

/* Protects everything below: one run at a time, and no reader sees half a result. */
static DEFINE_MUTEX(ipib_mutex);
static struct ipib_request ipib_req;
static struct ipib_result ipib_res;
static bool ipib_watching;
static struct dentry *ipib_dir;

struct ipib_job {
	struct completion done;
	int err;
};

static int ipib_thread(void *data)
{
	struct ipib_job *job = data;

	job->err = ipib_measure(&ipib_req, &ipib_res);
	complete(&job->done);
	/* kthread_stop() must still find the thread. */
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static int ipib_parse_number(const char *text, unsigned int min, unsigned int max,
			     unsigned int *out)
{
	unsigned int value;
	int err = kstrtouint(text, 10, &value);

	if (err)
		return err;
	if (value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

static int ipib_parse_word(struct ipib_request *req, const char *key, const char *value)
{
	int mode;

	if (!strcmp(key, "mode")) {
		mode = match_string(ipib_mode_names, IPIB_NR_MODES, value);
		if (mode < 0)
			return -EINVAL;
		req->mode = mode;
		return 0;
	}
	if (!strcmp(key, "targets"))
		return cpulist_parse(value, &req->targets);
	if (!strcmp(key, "sender"))
		return ipib_parse_number(value, 0, nr_cpu_ids - 1, &req->sender);
	if (!strcmp(key, "count"))
		return ipib_parse_number(value, 1, IPIB_MAX_COUNT, &req->count);
	if (!strcmp(key, "gap_us"))
		return ipib_parse_number(value, 0, IPIB_MAX_GAP_US, &req->gap_us);
	if (!strcmp(key, "timing"))
		return ipib_parse_number(value, 0, 1, &req->timing);
	if (!strcmp(key, "polling"))
		return ipib_parse_number(value, 0, 1, &req->polling);
	if (!strcmp(key, "bail_ms"))
		return ipib_parse_number(value, 1, IPIB_MAX_BAIL_MS, &req->bail_ms);
	return -EINVAL;
}

static int ipib_parse(struct ipib_request *req, char *text)
{
	char *word, *value;
	int err;

	while ((word = strsep(&text, " \t\n"))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		err = ipib_parse_word(req, word, value);
		if (err)
			return err;
	}
	return 0;
}

/* Context: cpus_read_lock() held, so that the answer stays true during the run. */
static int ipib_check_cpus(const struct ipib_request *req)
{
	if (!cpu_online(req->sender))
		return -ENXIO;
	if (req->mode == IPIB_RESCHED || req->mode == IPIB_NONE)
		return 0;
	if (cpumask_empty(&req->targets) || cpumask_test_cpu(req->sender, &req->targets))
		return -EINVAL;
	if (req->mode != IPIB_MANY && cpumask_weight(&req->targets) != 1)
		return -EINVAL;
	if (!cpumask_subset(&req->targets, cpu_online_mask))
		return -ENXIO;
	return 0;
}

static int ipib_alloc_samples(struct ipib_result *res, unsigned int count)
{
	kvfree(res->entry);
	kvfree(res->rtt);
	memset(res, 0, sizeof(*res));
	res->entry = kvcalloc(count, sizeof(*res->entry), GFP_KERNEL);
	res->rtt = kvcalloc(count, sizeof(*res->rtt), GFP_KERNEL);
	/* A half allocation is freed by the next run or at exit. */
	return res->entry && res->rtt ? 0 : -ENOMEM;
}

static int ipib_compare(const void *a, const void *b)
{
	const u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void ipib_sort(u64 *samples, unsigned int n)
{
	unsigned int i;

	/* Negative differences of two CPUs' counters become zero here, before sorting. */
	for (i = 0; i < n; i++)
		samples[i] = ipib_ns_between(0, samples[i]);
	sort(samples, n, sizeof(*samples), ipib_compare, NULL);
}

static int ipib_run_thread(void)
{
	struct ipib_job job = { .err = 0 };
	struct task_struct *task;

	init_completion(&job.done);
	task = kthread_create_on_cpu(ipib_thread, &job, ipib_req.sender, "ipib_send/%u");
	if (IS_ERR(task))
		return PTR_ERR(task);
	wake_up_process(task);
	if (wait_for_completion_killable(&job.done)) {
		WRITE_ONCE(ipib_res.abort, true);
		wait_for_completion(&job.done);
		job.err = -EINTR;
	}
	kthread_stop(task);
	return job.err;
}

/*
 * The probes are on the way out of idle: they would be half of what is timed. They stay as they are
 * until a run needs it otherwise, because the change itself sends IPIs (the code is patched).
 */
static int ipib_watch(bool on)
{
	int err = 0;

	if (on == ipib_watching)
		return 0;
	if (on)
		err = ipib_idle_watch();
	else
		ipib_idle_unwatch();
	if (!err)
		ipib_watching = on;
	return err;
}

static int ipib_run(void)
{
	int err = ipib_run_thread();

	ipib_sort(ipib_res.entry, ipib_res.done);
	ipib_sort(ipib_res.rtt, ipib_res.done);
	return err;
}

static ssize_t ipib_run_write(struct file *file, const char __user *ubuf, size_t len, loff_t *pos)
{
	struct ipib_request *req;
	char *text;
	int err;

	if (len >= IPIB_MAX_INPUT)
		return -E2BIG;
	text = memdup_user_nul(ubuf, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	req = kzalloc(sizeof(*req), GFP_KERNEL);
	if (!req) {
		err = -ENOMEM;
		goto free_text;
	}
	req->mode = IPIB_NR_MODES;
	req->count = 1000;
	req->gap_us = 200;
	req->bail_ms = 1000;
	err = ipib_parse(req, text);
	if (!err && req->mode == IPIB_NR_MODES)
		err = -EINVAL;
	if (err)
		goto free_req;

	err = mutex_lock_interruptible(&ipib_mutex);
	if (err)
		goto free_req;
	/* Patches code, so outside the hotplug lock, which that takes. */
	err = ipib_watch(!req->timing);
	if (err)
		goto unlock;
	cpus_read_lock();
	err = ipib_check_cpus(req);
	if (!err)
		err = ipib_alloc_samples(&ipib_res, req->count);
	if (!err) {
		ipib_req = *req;
		err = ipib_run();
	}
	cpus_read_unlock();
unlock:
	mutex_unlock(&ipib_mutex);
free_req:
	kfree(req);
free_text:
	kfree(text);
	return err ?: len;
}

static const struct file_operations ipib_run_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= ipib_run_write,
};

static u64 ipib_percentile(const u64 *sorted, unsigned int n, unsigned int percent)
{
	return sorted[min(n - 1, n * percent / 100)];
}

static void ipib_show_samples(struct seq_file *m, const char *name, const u64 *sorted,
			      unsigned int n)
{
	unsigned int i;
	u64 sum = 0;

	if (!n)
		return;
	for (i = 0; i < n; i++)
		sum += sorted[i];
	seq_printf(m, "%s_p50_ns=%llu\n", name, ipib_percentile(sorted, n, 50));
	seq_printf(m, "%s_p90_ns=%llu\n", name, ipib_percentile(sorted, n, 90));
	seq_printf(m, "%s_p99_ns=%llu\n", name, ipib_percentile(sorted, n, 99));
	seq_printf(m, "%s_max_ns=%llu\n", name, sorted[n - 1]);
	seq_printf(m, "%s_mean_ns=%llu\n", name, div_u64(sum, n));
}

static int ipib_result_show(struct seq_file *m, void *unused)
{
	const struct ipib_request *req = &ipib_req;
	struct ipib_result *res = &ipib_res;
	int err = mutex_lock_interruptible(&ipib_mutex);

	if (err)
		return err;
	if (!res->rtt || !res->entry) {
		seq_puts(m, "mode=none_yet\n");
		goto unlock;
	}
	seq_printf(m, "mode=%s\n", ipib_mode_names[req->mode]);
	seq_printf(m, "sender=%u\n", req->sender);
	seq_printf(m, "targets=%*pbl\n", cpumask_pr_args(&req->targets));
	seq_printf(m, "count=%u\n", req->count);
	seq_printf(m, "gap_us=%u\n", req->gap_us);
	seq_printf(m, "done=%u\n", res->done);
	seq_printf(m, "timeouts=%u\n", res->timeouts);
	seq_printf(m, "never_idle=%u\n", res->never_idle);
	seq_printf(m, "target_idle=%d\n", atomic_read(&res->target_idle));
	seq_printf(m, "idle_loop=%d\n", atomic_read(&res->idle_loop));
	seq_printf(m, "softirq_on_idle=%u\n", res->softirq_on_idle);
	ipib_show_samples(m, "entry", res->entry, res->done);
	ipib_show_samples(m, "rtt", res->rtt, res->done);
unlock:
	mutex_unlock(&ipib_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ipib_result);

static int __init ipib_init(void)
{
	if (!ipib_clock_khz()) {
		pr_err("ipi_bench: the CPU's counter has no known rate\n");
		return -ENODEV;
	}
	ipib_dir = debugfs_create_dir("ipi_bench", NULL);
	debugfs_create_file("run", 0200, ipib_dir, NULL, &ipib_run_fops);
	debugfs_create_file("result", 0400, ipib_dir, NULL, &ipib_result_fops);
	return 0;
}

static void __exit ipib_exit(void)
{
	debugfs_remove_recursive(ipib_dir);
	ipib_watch(false);
	kvfree(ipib_res.entry);
	kvfree(ipib_res.rtt);
}

module_init(ipib_init);
module_exit(ipib_exit);

MODULE_DESCRIPTION("Measures IPI notification latency (test module)");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
