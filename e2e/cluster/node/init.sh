#!/bin/bash
# First process of the node: it has mount, network, process, ipc and host-name namespaces of its own.
# Its end is the end of everything that runs here.
# Wants: STATE (folder of this node), CGROUP (name of its cgroup), KUBE (folder of Kubernetes' binaries), PATH.
set -eu
node=node-1
address=172.31.255.1
admin=$STATE/pki/admin.kubeconfig

hostname $node
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns /run/settings /run/etcd

# Fresh /sys: runc would otherwise find the machine's cgroup mounts, which are out of reach here.
cgroup_type=$(stat -fc %T /sys/fs/cgroup)
umount -l -R /sys
mount -t sysfs sysfs /sys
if [ "$cgroup_type" = cgroup2fs ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mkdir -p "/sys/fs/cgroup/$CGROUP"
else
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  # Every hierarchy, the one of systemd too: containerd's shim reads statistics only when all are there.
  while IFS=: read -r _ controllers _; do
    [ -n "$controllers" ] || continue
    folder=/sys/fs/cgroup/${controllers#name=}
    mkdir -p "$folder"
    case $controllers in name=*) option=none,$controllers ;; *) option=$controllers ;; esac
    mount -t cgroup -o "$option" cgroup "$folder"
    mkdir -p "$folder/$CGROUP"
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$folder/$file" ] || cat "$folder/$file" > "$folder/$CGROUP/$file"
    done
  done < /proc/self/cgroup
fi

# The kubelet insists on kernel settings that only the machine may change: show it files that say so.
setting() {
  file=/run/settings/${1//\//_}
  echo "$2" > "$file"
  mount --bind "$file" "/proc/sys/$1"
}
setting vm/overcommit_memory 1
setting vm/panic_on_oom 0
setting kernel/panic 10
setting kernel/panic_on_oops 1
setting kernel/keys/root_maxkeys 1000000
setting kernel/keys/root_maxbytes 25000000

for folder in /var/lib/cni /var/lib/kubelet /var/log/pods /var/log/containers /usr/libexec/kubernetes; do
  [ -d $folder ] || mkdir -p $folder
  mount -t tmpfs tmpfs $folder
done
# Unpacking images is many small writes with fsync: memory takes a tenth of the time of a disk.
mount -t tmpfs -o size=8g,mode=700 tmpfs "$STATE/images"
mount --make-rshared /

ip link set lo up
ip link add node0 type bridge
ip addr add $address/24 dev node0
ip link set node0 up
ip route add 10.96.0.0/16 dev node0
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
[ ! -e /proc/sys/net/bridge ] || echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables

# supervise NAME COMMAND...: keep it running; a restart is one line in its log.
supervise() {
  name=$1
  shift
  while :; do
    "$@" || echo "$name ended with $?; starting it again"
    sleep 1
  done >> "$STATE/log/$name.log" 2>&1 &
}

until [ -e "$STATE/configured" ]; do sleep 0.02; done # written last: all settings are there
supervise containerd containerd -c "$STATE/containerd.toml"
supervise etcd etcd --data-dir /run/etcd --unsafe-no-fsync --log-level warn \
  --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380
supervise kube-apiserver "$KUBE/kube-apiserver" \
  --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --advertise-address $address --secure-port 6443 \
  --tls-cert-file "$STATE/pki/apiserver.crt" --tls-private-key-file "$STATE/pki/apiserver.key" \
  --client-ca-file "$STATE/pki/ca.crt" \
  --kubelet-client-certificate "$STATE/pki/apiserver-kubelet-client.crt" \
  --kubelet-client-key "$STATE/pki/apiserver-kubelet-client.key" \
  --kubelet-preferred-address-types InternalIP \
  --requestheader-client-ca-file "$STATE/pki/ca.crt" --requestheader-allowed-names front-proxy-client \
  --requestheader-extra-headers-prefix X-Remote-Extra- --requestheader-group-headers X-Remote-Group \
  --requestheader-username-headers X-Remote-User --enable-aggregator-routing=true \
  --proxy-client-cert-file "$STATE/pki/front-proxy-client.crt" \
  --proxy-client-key-file "$STATE/pki/front-proxy-client.key" \
  --service-account-issuer https://kubernetes.default.svc \
  --service-account-key-file "$STATE/pki/service-accounts.key" \
  --service-account-signing-key-file "$STATE/pki/service-accounts.key" \
  --service-cluster-ip-range 10.96.0.0/16 --authorization-mode Node,RBAC \
  --enable-admission-plugins NodeRestriction --allow-privileged \
  --audit-policy-file "$STATE/audit-policy.yaml" --audit-log-path "$STATE/log/audit.log"

: > "$STATE/started"
until "$KUBE/kubectl" --kubeconfig "$admin" get --raw /readyz > /dev/null 2>&1; do sleep 0.1; done

supervise kube-controller-manager "$KUBE/kube-controller-manager" \
  --kubeconfig "$STATE/pki/kube-controller-manager.kubeconfig" --leader-elect=false \
  --service-account-private-key-file "$STATE/pki/service-accounts.key" --root-ca-file "$STATE/pki/ca.crt" \
  --use-service-account-credentials --controllers '*,-node-ipam-controller' \
  --horizontal-pod-autoscaler-sync-period 5s
supervise kube-scheduler "$KUBE/kube-scheduler" \
  --kubeconfig "$STATE/pki/kube-scheduler.kubeconfig" --leader-elect=false
supervise kubelet "$KUBE/kubelet" --config "$STATE/kubelet.yaml" --kubeconfig "$STATE/pki/kubelet.kubeconfig" \
  --hostname-override $node --node-ip $address --root-dir "$STATE/kubelet" --cert-dir "$STATE/pki"
supervise kube-proxy "$KUBE/kube-proxy" --config "$STATE/kube-proxy.yaml"

trap 'exit 0' TERM
while :; do wait -n || sleep 0.2; done
