#!/usr/bin/env bash
# Installs what the integration tests start: influxd, influx, victoria-metrics, chromium (Debian's packages) and influx_inspect,
# which Debian ships as source only and which is built here into .cache/test-servers/bin, not into the system.
#
#   scripts/install-test-servers.sh [--build-only]
#
# Run again, it does only what is missing. No service is started. Needs Debian, and root or sudo for the packages.
set -euo pipefail

packages=(influxdb influxdb-client victoria-metrics chromium golang-go golang-github-influxdb-influxdb-dev curl ca-certificates)
here=$(cd "$(dirname "$0")/.." && pwd)
target=$here/.cache/test-servers/bin
binary=$target/influx_inspect

say() { printf 'test servers: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

if ! grep -qs '^ID=debian$' /etc/os-release || ! command -v apt-get >/dev/null; then
  fail "this machine is not Debian. Put influxd 1.x, victoria-metrics, chromium and influx_inspect on PATH" \
    "(from https://dl.influxdata.com/influxdb/releases/ and your distribution), or run this in a debian:bookworm" \
    "container; the tests look for influx_inspect in .cache/test-servers/bin first, then on PATH"
fi

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "root or sudo is needed to install: ${missing[*]}"; fi
}

installed() { [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

install_packages() {
  missing=()
  for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ] && { say 'packages: all there'; return; }
  say "packages: installing ${missing[*]}"
  # Debian starts a package's service unless policy-rc.d forbids it (101).
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  as_root apt-get -q -o Acquire::Retries=3 update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "${missing[@]}"
  # Nor at the next boot: these are for tests, which start their own.
  if command -v systemctl >/dev/null; then
    for service in influxdb victoria-metrics; do
      case " ${missing[*]} " in *" $service "*) as_root systemctl disable --quiet "$service" || true ;; esac
    done
  fi
}

# An apt of its own (sources, lists, cache below $1), so that the system's sources stay as they are.
private_apt() {
  local root=$1; shift
  apt-get -q -o "Dir::Etc::sourcelist=$root/debian.sources" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$root/lists" \
    -o "Dir::Cache=$root/cache" -o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}

build_influx_inspect() {
  if [ -x "$binary" ]; then say 'influx_inspect: already built'; return; fi
  local work tarball="" sum="" uri name size hash codename mirror
  mkdir -p "$target"
  work=$(mktemp -d "$here/.cache/test-servers/build.XXXXXX")
  mkdir -p "$work"/{lists,cache/archives}/partial "$work/gopath/src/github.com/influxdata/influxdb"

  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 2>/dev/null | awk -v c="$codename" '$1 == c { print $2; exit }')
  printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "${mirror:-http://deb.debian.org/debian/}" \
    "$codename" /usr/share/keyrings/debian-archive-keyring.gpg >"$work/debian.sources"
  say "influx_inspect: fetching Debian's source of influxdb ($codename, ${mirror:-deb.debian.org})"
  private_apt "$work" update >&2

  while read -r uri name size hash; do
    case $name in *.orig.tar.gz) tarball=$name sum=${hash#SHA256:} ;; esac
  done < <(cd "$work" && private_apt "$work" source --print-uris influxdb 2>/dev/null | grep "^'")
  [ -n "$tarball" ] || fail "Debian $codename has no source package influxdb with an .orig.tar.gz"
  # Of the package's three files only this one is needed; a mirror that lacks another must not stop the build.
  (cd "$work" && private_apt "$work" source --download-only influxdb) >"$work/download.log" 2>&1 || true
  [ -f "$work/$tarball" ] || { cat "$work/download.log" >&2; fail "$tarball did not arrive"; }
  # The sum comes from the index, which apt has checked against the archive's signature.
  echo "$sum  $work/$tarball" | sha256sum --check --quiet - || fail "$tarball does not match the archive's checksum"

  say "influx_inspect: building $tarball"
  tar -xzf "$work/$tarball" --strip-components=1 -C "$work/gopath/src/github.com/influxdata/influxdb"
  (
    cd "$work" # outside any module, and without cgo, so that no C compiler is needed
    env GO111MODULE=off GOFLAGS= CGO_ENABLED=0 GOPATH="$work/gopath:/usr/share/gocode" GOCACHE="$work/gocache" \
      go build -o "$work/influx_inspect" github.com/influxdata/influxdb/cmd/influx_inspect
  )
  "$work/influx_inspect" help >/dev/null 2>&1 || fail 'the built influx_inspect does not run'
  mv "$work/influx_inspect" "$binary"
  rm -rf "$work"
  say "influx_inspect: $binary"
}

[ "${1:-}" = --build-only ] || install_packages
build_influx_inspect
