#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A whole Ceph of one node with an S3 gateway, on loopback, in memory, for as long as somebody holds its
# standard input open:
#
#     test/flow/rgw.sh FOLDER KEY:SECRET...     FOLDER/url is written when it answers; all else is there, too
#
# One monitor, one store, one radosgw. Nobody authenticates to the others, so ms_mon_client_mode must allow
# it, or radosgw waits for ever. tcp_nodelay, or each request takes 44 ms. The addresses are all named, or
# the store listens on every one. It is up after a second or two, where the machine has nothing else to do.
set -eu
exec 3<&0 # what runs beside us has no input of ours
dir=$1
shift
rm -rf "$dir"
mkdir -p "$dir"/{mon,osd,rgw}
dir=$(cd "$dir" && pwd)
log=$dir/log
children=()

finish() {
    trap - EXIT TERM INT
    [ -e "$dir/url" ] || tail -n 20 "$log" >&2
    exec 2>/dev/null
    [ "${#children[@]}" = 0 ] || kill -9 "${children[@]}" || true # nothing in it is to be kept
    wait
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 0' TERM INT

# Below the ports that connections get by themselves: none of those takes one before it is listened on.
read -r mon_v2 mon_v1 port < <(/usr/bin/python3 -c '
import random, socket
def free():
    while True:
        port = random.randrange(10000, 32768)
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            pass
print(free(), free(), free())')
cluster=$(uuidgen)
export CEPH_CONF=$dir/ceph.conf
cat >"$CEPH_CONF" <<END
[global]
fsid=$cluster
mon_host=v2:127.0.0.1:$mon_v2,v1:127.0.0.1:$mon_v1
mon_initial_members=a
mon_data=$dir/mon
osd_data=$dir/osd
public_addr=127.0.0.1
cluster_addr=127.0.0.1
osd_heartbeat_addr=127.0.0.1
ms_bind_ipv6=false
auth_cluster_required=none
auth_service_required=none
auth_client_required=none
osd_pool_default_size=1
osd_pool_default_min_size=1
osd_pool_default_pg_num=1
osd_pool_default_pgp_num=1
osd_crush_chooseleaf_type=0
osd_objectstore=memstore
memstore_device_bytes=2147483648
mon_allow_pool_size_one=true
mon_max_pg_per_osd=2000
mon_osd_min_up_ratio=0
mon_data_avail_warn=1
mon_data_avail_crit=1
mon_tick_interval=1
paxos_propose_interval=0.05
paxos_min_wait=0.01
run_dir=$dir
log_file=$dir/\$name.log
pid_file=
admin_socket=
[client.rgw]
ms_mon_client_mode=crc secure
rgw_frontends=beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw_data=$dir/rgw
rgw_thread_pool_size=16
rgw_enable_ops_log=false
rgw_run_sync_thread=false
rgw_enable_gc_threads=false
rgw_enable_lc_threads=false
END

# start PROGRAM OPTION...: in the foreground of a child of ours, so that its number is known.
start() {
    "$@" -c "$CEPH_CONF" -f >>"$log" 2>&1 3<&- &
    children+=($!)
}
tell() { timeout 120 "$@" >>"$log" 2>&1 </dev/null; }

monmaptool --create --fsid "$cluster" --addv a "[v2:127.0.0.1:$mon_v2,v1:127.0.0.1:$mon_v1]" "$dir/monmap" >>"$log" 2>&1
ceph-mon --mkfs -i a --monmap "$dir/monmap" >>"$log" 2>&1
start ceph-mon -i a
store=$(uuidgen)
number=$(timeout 120 ceph osd new "$store" 2>>"$log" </dev/null)
tell ceph-osd -i "$number" --mkfs --osd-uuid "$store"
tell ceph osd crush add "osd.$number" 1 host=h root=default
start ceph-osd -i "$number"
start radosgw -n client.rgw
for _ in $(seq 1200); do
    curl -s -o /dev/null "127.0.0.1:$port/" && break
    kill -0 "${children[@]}"
    sleep 0.1
done
tell radosgw-admin user create --uid=weir --display-name=weir --access-key="${1%%:*}" --secret-key="${1#*:}"
for pair in "${@:2}"; do tell radosgw-admin key create --uid=weir --access-key="${pair%%:*}" --secret-key="${pair#*:}"; done
echo "http://127.0.0.1:$port" >"$dir/url.new"
mv "$dir/url.new" "$dir/url"
cat <&3 >/dev/null & # ends when nobody holds our input any more
wait $!
