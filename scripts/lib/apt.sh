# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # read by the scripts that source this
#
# A private apt: own lists, own package state, both architectures, and the
# machine's own mirror and keys.  Nothing is installed by it, and signatures
# and checksums are apt's own.

APT_DIR=$CVM_CACHE/apt
APT_LISTS_MAX_AGE_MIN=$((24 * 60))

apt_private()
{
	local cmd=$1

	shift
	"$cmd" -c "$APT_DIR/apt.conf" "$@"
}

apt_configure()
{
	need apt-get apt
	need python3 python3
	mkdir -p "$APT_DIR"/{etc,lists/partial,archives/partial} "$CVM_CACHE/debs"
	: >"$APT_DIR/status"
	python3 "$CVM_TOP/scripts/lib/apt-sources.py" >"$APT_DIR/cvm.sources.new" ||
		die "cannot make a package source list for Debian 12 from /etc/apt"
	if ! cmp -s "$APT_DIR/cvm.sources.new" "$APT_DIR/etc/cvm.sources"; then
		mv "$APT_DIR/cvm.sources.new" "$APT_DIR/etc/cvm.sources"
		rm -f "$APT_DIR/updated"
	fi
	# The machine's apt.conf.d is still read (proxy, certificates), but its
	# hooks and pins are for its own packages.
	cat >"$APT_DIR/apt.conf" <<-END
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Pre-Install-Pkgs;
		Dir::State "$APT_DIR";
		Dir::State::lists "lists";
		Dir::State::status "$APT_DIR/status";
		Dir::Cache "$APT_DIR";
		Dir::Cache::archives "archives";
		Dir::Cache::pkgcache "pkgcache.bin";
		Dir::Cache::srcpkgcache "srcpkgcache.bin";
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$APT_DIR/etc";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Architecture "$(dpkg --print-architecture)";
		APT::Architectures { "amd64"; "arm64"; };
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Acquire::AllowInsecureRepositories "false";
	END
}

# apt_refresh HOW: package lists; "now", or '' for at most a day old.
apt_refresh()
{
	apt_configure
	if [ "$1" != now ] &&
	   [ -n "$(find "$APT_DIR/updated" -mmin -$APT_LISTS_MAX_AGE_MIN 2>/dev/null)" ]; then
		return 0
	fi
	say "reading the package lists of Debian 12 (amd64 and arm64)"
	apt_private apt-get update --error-on=any -q >&2 ||
		die "apt-get update failed; is a Debian mirror reachable?"
	touch "$APT_DIR/updated"
}

# apt_versions ARCH PKG: all versions on offer, newest first.
apt_versions()
{
	{ apt_private apt-cache show "$2:$1" 2>/dev/null || true; } |
		sed -n 's/^Version: //p' | sort -u | sort_versions
}

sort_versions()
{
	local a=() v i

	while read -r v; do
		for ((i = 0; i < ${#a[@]}; i++)); do
			dpkg --compare-versions "$v" gt "${a[i]}" && break
		done
		a=("${a[@]:0:i}" "$v" "${a[@]:i}")
	done
	[ ${#a[@]} -eq 0 ] || printf '%s\n' "${a[@]}"
}

# apt_fetch ARCH PKG VERSION: sets APT_DEB to the downloaded file.  ARCH is
# "all" for a package without architecture.
apt_fetch()
{
	local file want=$2:$1 dir=$CVM_CACHE/debs/get.$1.$2.$3

	file=$CVM_CACHE/debs/${2}_${3//:/%3a}_$1.deb
	APT_DEB=$file
	[ -f "$file" ] && return 0
	[ "$1" != all ] || want=$2
	say "downloading $2 $3 ($1)"
	# apt continues a partial file that it finds here, and is content only
	# when size and hash are right; then the file gets its final place.
	mkdir -p "$dir"
	(cd "$dir" && apt_private apt-get download -q "$want=$3" >&2) ||
		die "download of $2 $3 ($1) failed; run the same command again to continue it"
	mv "$dir"/*.deb "$file"
	rmdir "$dir"
}
