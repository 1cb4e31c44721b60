# SPDX-License-Identifier: Apache-2.0
# What tools/test and tools/demo share: installing what is missing, and building. Sourced, with
# `root` set to the work tree. Everything here may be run again at no cost: packages that are there
# are not asked for, clients are installed when their list changes, ninja builds what changed.

clients=$root/test/flow/clients
cache=$root/.cache
node_wanted=22.23.3 # the npm package `node`, where the system's Node is older than the AWS SDK takes

build_packages=(gcc libc6-dev meson ninja-build pkg-config ca-certificates git libnghttp2-dev
    libssl-dev libev-dev libc-ares-dev libyaml-dev libcjson-dev zlib1g-dev liblmdb-dev libxxhash-dev libcmocka-dev tzdata)
flow_packages=(python3 python3-boto3 python3-cryptography python3-yaml curl nghttp2-client openssl) # cryptography: moto's
story_packages=(awscli gdb libfaketime procps slowhttptest strace systemd) # for single stories
test_packages=(clang clang-format libclang-rt-14-dev python3-hpack python3-h2)

say() { printf '==> %s\n' "$*"; }
fail() { printf 'tools: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root or sudo for: $*"
    fi
}

# The packages of the list that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
    done
}

need_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if [ "${#missing[@]}" = 0 ]; then return; fi
    command -v apt-get >/dev/null || fail "please install: ${missing[*]} (this is not Debian: no apt-get)"
    say "installing ${missing[*]}"
    local quiet=(env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get -qq -o DPkg::Lock::Timeout=300)
    as_root "${quiet[@]}" update
    as_root "${quiet[@]}" -y --no-install-recommends install "${missing[@]}" >/dev/null
}

node_major() { node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p'; }

# npm with the system's authorities too: the Node that npm brings knows only its own, and a company's
# network may have one more.
npm_install() {
    local store=/etc/ssl/certs/ca-certificates.crt
    if [ -z "${NODE_EXTRA_CA_CERTS-}" ] && [ -f "$store" ]; then export NODE_EXTRA_CA_CERTS=$store; fi
    npm install --no-package-lock --no-audit --no-fund --loglevel=error "$@" >/dev/null
}

# Node 20 or newer in PATH: the system's, or the one that the npm package `node` brings.
need_node() {
    local own=$cache/node/node_modules/node/bin
    [ -x "$own/node" ] && PATH=$own:$PATH
    [ "$(node_major || true)" -ge 20 ] 2>/dev/null && return
    need_packages nodejs npm
    [ "$(node_major)" -ge 20 ] && return
    say "installing Node $node_wanted (npm package node): the AWS SDK needs 20 or newer"
    mkdir -p "$cache/node"
    npm_install --prefix "$cache/node" "node@$node_wanted"
    PATH=$own:$PATH
    [ "$(node_major)" -ge 20 ] || fail "no Node 20 or newer"
}

# The JavaScript clients, at the exact versions of package.json.
need_clients() {
    need_node
    command -v npm >/dev/null || need_packages npm
    cmp -s "$clients/package.json" "$clients/node_modules/.installed" && return
    say "installing the JavaScript clients"
    (cd "$clients" && npm_install)
    cp "$clients/package.json" "$clients/node_modules/.installed"
}

# promtool out of its package, without installing it: the package would start a server.
need_promtool() {
    if [ -x "$cache/promtool/usr/bin/promtool" ] || command -v promtool >/dev/null; then return; fi
    say "unpacking promtool"
    mkdir -p "$cache/promtool"
    if (cd "$cache/promtool" && apt-get -qq download prometheus >/dev/null 2>&1 && dpkg-deb -x prometheus_*.deb .); then
        rm -f "$cache"/promtool/prometheus_*.deb
    else
        say "no promtool: the story that uses it is skipped"
    fi
}

# moto, a second CloudWatch, out of its packages, without installing them: bookworm has none, so it is sid's, on this
# system's own Python and Flask.
need_moto() {
    local home=$cache/moto uri options
    if [ -e "$home/.tried" ]; then return; fi
    say "unpacking moto"
    rm -rf "$home"
    mkdir -p "$home/apt/lists/partial" "$home/apt/cache/archives/partial"
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1)
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s sid main\n' "$uri" >"$home/apt/sources.list"
    options=(-qq -o Dir::Etc::sourcelist="$home/apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$home/apt/lists"
        -o Dir::Cache="$home/apt/cache")
    if ! (
        cd "$home"
        apt-get -qq download python3-flask python3-flask-cors python3-werkzeug python3-xmltodict python3-itsdangerous python3-click \
            python3-jinja2 python3-markupsafe python3-colorama
        apt-get "${options[@]}" update
        apt-get "${options[@]}" download python3-moto python3-boto3 python3-botocore python3-s3transfer python3-responses python3-jmespath
        for package in *.deb; do dpkg-deb -x "$package" .; done
        PYTHONPATH=$home/usr/lib/python3/dist-packages /usr/bin/python3 -c 'import cryptography, moto.server, moto.s3.urls'
    ) >/dev/null 2>&1; then
        say "no moto: the story that uses it is skipped"
        rm -rf "$home/usr"
    fi
    rm -rf "$home/apt" "$home"/*.deb
    : >"$home/.tried"
}

# Ceph's S3 gateway, and what it needs below it: 180 MB. Nothing of it is started; stories do that (test/flow/rgw.sh).
need_rgw() { need_packages radosgw ceph-mon ceph-osd ceph-common uuid-runtime; }

# build_in FOLDER OPTION...: set up once (again when the options change), then ninja.
build_in() {
    local folder=$root/$1
    shift
    if [ ! -f "$folder/build.ninja" ]; then
        say "setting up ${folder##*/}"
        meson setup "$folder" "$root" "$@" >"$folder.log" 2>&1 || { cat "$folder.log"; return 1; }
        rm -f "$folder.log"
        printf '%s\n' "$*" >"$folder/.options"
    elif [ "$(cat "$folder/.options" 2>/dev/null)" != "$*" ]; then
        meson configure "$folder" "$@"
        printf '%s\n' "$*" >"$folder/.options"
    fi
    say "building ${folder##*/}"
    ninja -C "$folder" >"$folder/.log" 2>&1 || { grep -v '^\[' "$folder/.log" | tail -n 60; return 1; }
}

build_release() { build_in build --buildtype=release -Ddebug=true; }
build_asan() { build_in build-asan --buildtype=debugoptimized -Db_sanitize=address,undefined -Dhooks=true; }
build_fuzz() {
    command -v clang >/dev/null || { say "clang is missing: no fuzz targets"; return 0; }
    CC=clang build_in build-fuzz --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true
}
