# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Loading and unloading modules in a test guest. /lib/modules.dep has one line
# per module: its name and what must be loaded first, in order.

module_loaded()
{
	grep -q "^$(echo "$1" | tr - _) " /proc/modules
}

module_file()
{
	for module_path in "/put/$1.ko" "/lib/cvm/$1.ko" "/lib/modules/$1.ko"; do
		[ -f "$module_path" ] && echo "$module_path" && return
	done
	return 1
}

# load_module NAME [parameters]: with everything that it needs; prints the
# reason and returns non-zero when it does not load.
load_module()
{
	module_name=$1
	shift
	for module_dep in $(awk -v m="$module_name:" '$1 == m { $1 = ""; print }' /lib/modules.dep); do
		module_loaded "$module_dep" || insmod "$(module_file "$module_dep")" || return
	done
	module_path=$(module_file "$module_name") || {
		echo "no module $module_name in this guest"
		return 1
	}
	insmod "$module_path" "$@" || return
	module_note "$module_name"
}

# Tell the host where the code lies, so that it can name program counters.
module_note()
{
	module_where=
	for module_sect in "/sys/module/$(echo "$1" | tr - _)"/sections/.*text*; do
		[ -f "$module_sect" ] &&
			module_where="$module_where ${module_sect##*/} $(cat "$module_sect")"
	done
	echo "<5>cvm-module: $1$module_where" >/dev/kmsg
}

# unload_module NAME: the module alone; what it needed stays.
unload_module()
{
	rmmod "$1"
}

# need_module NAME: skip the case when this kernel has no such module.
need_module()
{
	module_file "$1" >/dev/null || skip "no module $1 for this kernel"
}

# stat_sum FILE COLUMN [KEY...]: sum of a column of a module's statistics, whose head is a
# line "# NAME...", over the rows that begin with these keys.
stat_sum()
{
	stat_file=$1 stat_column=$2
	shift 2
	awk -v want="$stat_column" -v keys="$*" '
		/^#/ {
			for (i = 2; i <= NF; i++)
				if ($i == want)
					col = i - 1
			next
		}
		BEGIN { nr_keys = split(keys, key) }
		{
			for (i = 1; i <= nr_keys; i++)
				if ($i != key[i])
					next
			n += $col
		}
		END { if (!col) exit 1; print n + 0 }' "$stat_file" ||
		fail "$stat_file has no column $stat_column"
}
